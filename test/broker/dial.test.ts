import assert from "node:assert/strict";
import { createServer } from "node:net";
import { dial } from "../../src/broker/dial.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { describe, it } from "../support/test.ts";

const address = { address: "127.0.0.1", family: 4 as const };

describe("dial()", () => {
  it("leaves no network connection open when it is aborted, at whatever moment", async () => {
    const server = createServer();
    const listening = await listenOnLoopback(server);
    const { port, sockets } = listening;
    const closed: Promise<void>[] = [];
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      closed.push(new Promise((resolve) => socket.once("close", () => resolve())));
      socket.resume();
    });
    for (let turn = 0; turn < 30; turn += 1) {
      const abort = new AbortController();
      const accepted = new Promise<void>((resolve) => server.once("connection", () => resolve()));
      const dialled = dial([address], "here", { port, bindAddress: undefined, signal: abort.signal });
      // At once, or when the server has it and this side may not know yet.
      if (turn % 2 === 1) void accepted.then(() => abort.abort(new Error("enough")));
      else abort.abort(new Error("enough"));
      await dialled.then(
        (socket) => socket.destroy(),
        (error: Error) => assert.equal(error.message, "enough"),
      );
      // A connection that comes after all shows that earlier ones were dealt with.
      const last = await dial([address], "here", {
        port,
        bindAddress: undefined,
        signal: new AbortController().signal,
      });
      last.destroy();
    }
    await Promise.all(closed);
    assert.equal(sockets.size, 0);
    await listening.close();
  });
});
