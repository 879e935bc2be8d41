import assert from "node:assert/strict";
import { NotForwardable } from "../../src/cluster/tunnel-errors.ts";
import { natsProgram } from "../support/nats-program.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";
import { countPatterned, later, patterned, tunnelRig, until } from "../support/tunnel-rig.ts";

const skip = natsProgram() === undefined ? "no nats-server is here: bun run nats:fetch" : false;
const megabyte = 1_048_576;

let nats: Nats;
before(async () => {
  if (!skip) nats = await startNats();
});
after(async () => {
  if (!skip) await nats[Symbol.asyncDispose]();
});

const echo = async (request: Request) =>
  Response.json({
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    body: await request.text(),
  });

describe("Tunnel.forward()", () => {
  it("carries method, path, query, headers and body there, and status, headers and body back", async () => {
    await using rig = await tunnelRig(nats, async (request) => {
      const answer = await echo(request);
      return new Response(answer.body, { status: 207, headers: { "content-type": "text/x", "x-a": "b" } });
    });
    const response = await rig.call("/v1/a%2Fb?x=%20&x=2", {
      method: "PATCH",
      headers: { authorization: "Bearer t", "x-latin": "caf\u00e9" },
      body: "h\u00e9llo",
    });
    assert.equal(response.status, 207);
    assert.equal(response.headers.get("content-type"), "text/x");
    assert.equal(response.headers.get("x-a"), "b");
    const seen = (await response.json()) as { method: string; url: string; headers: string[][]; body: string };
    assert.equal(seen.method, "PATCH");
    assert.equal(seen.url, "http://connack.test/v1/a%2Fb?x=%20&x=2");
    assert.equal(seen.body, "h\u00e9llo");
    const headers = new Map(seen.headers as [string, string][]);
    assert.equal(headers.get("authorization"), "Bearer t");
    assert.equal(headers.get("x-latin"), "caf\u00e9");
  });
});
