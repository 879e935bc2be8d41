import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "./support/broker-scripts.ts";
import { startMain, type Program } from "./support/program.ts";
import { startScriptedBroker, type ScriptedBroker } from "./support/scripted-broker.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

interface Running extends AsyncDisposable {
  readonly program: Program;
  readonly broker: ScriptedBroker;
  /** Writes the file, sends SIGHUP, and resolves with what is logged then. */
  hangUp(file: string, logged: RegExp): Promise<string>;
  state(): Promise<string>;
}

/** `main.ts` with a `--config` file, and a connection `x`. */
async function start(environment: Record<string, string> = {}): Promise<Running> {
  await using opened = new AsyncDisposableStack();
  const directory = opened.use(temporaryDirectory());
  const path = join(directory.path, "config.json");
  writeFileSync(path, "{}");
  const broker = opened.use(await startScriptedBroker(accepts()));
  const program = opened.use(startMain({ CONNACK_LOG_FORMAT: "json", ...environment }, ["--config", path]));
  const line = await program.printed(/listening on http:\/\/\S+/);
  const url = line.split(" ").at(-1) ?? "";
  const response = await fetch(`${url}/connections`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id: "x", url: broker.url }),
  });
  assert.equal(response.status, 201, await response.text());
  const scope = opened.move();
  return {
    program,
    broker,
    hangUp: (file, logged) => {
      writeFileSync(path, file);
      program.signal("SIGHUP");
      return program.printed(logged);
    },
    state: async () => ((await (await fetch(`${url}/connections/x`)).json()) as { state: string }).state,
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

const reread = /.*allowed destinations were read again.*/;

describe("SIGHUP", () => {
  it("reads the allowed destinations from the --config file again: what they forbid is ended", async () => {
    await using running = await start();
    const line = await running.hangUp(JSON.stringify({ egressDeny: ["loopback"] }), reread);
    assert.equal(JSON.parse(line).ended, 1);
    await (
      await running.broker.connection(1)
    ).closed;
    await running.program.printed(/"connection failed".*destination-forbidden/);
    assert.equal(await running.state(), "failed");
  });

  it("with a file that is wrong changes nothing, and says why", async () => {
    await using running = await start();
    for (const [file, why] of [
      ["{", /nothing was changed.*is not JSON/],
      [
        JSON.stringify({ egressDeny: "loopback,10.0.0.1/8" }),
        /nothing was changed.*the network is 10\.0\.0\.0/,
      ],
      [JSON.stringify({ egressDeny: "loopback", maxStreams: 0 }), /nothing was changed.*CONNACK_MAX_STREAMS/],
    ] as const)
      await running.hangUp(file, why);
    assert.equal(await running.state(), "connected");
    await running.hangUp("{}", reread);
    assert.equal(await running.state(), "connected");
  });

  it("leaves alone what the environment sets, and says so", async () => {
    await using running = await start({ CONNACK_EGRESS_DENY: "10.0.0.0/8" });
    await running.hangUp(JSON.stringify({ egressDeny: "loopback" }), reread);
    assert.match(running.program.output(), /CONNACK_EGRESS_DENY stays as it is/);
    assert.doesNotMatch(running.program.output(), /CONNACK_EGRESS_ALLOW/);
    assert.equal(await running.state(), "connected");
  });

  it("without a --config file does nothing but say so", async () => {
    await using program = startMain();
    await program.printed(/listening on/);
    program.signal("SIGHUP");
    await program.printed(/there is no --config file/);
    program.signal("SIGTERM");
    assert.equal(await program.exited, 0, program.output());
  });
});
