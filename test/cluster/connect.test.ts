import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { connectNats } from "../../src/cluster/connect.ts";
import { createLogger } from "../../src/log.ts";
import { makeCertificates } from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { writeNatsConfig } from "../support/nats-config.ts";
import { natsProgram } from "../support/nats-program.ts";
import { NatsProcess } from "../support/nats-server.ts";
import { startNats } from "../support/nats.ts";
import { needs } from "../support/needs.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("nats");

describe("connectNats()", () => {
  const access = {
    setting: "CONNACK_STORE",
    credentialsFile: null,
    certFile: null,
    keyFile: null,
    name: "t",
  };
  const quiet = createLogger({ level: "error", format: "json", write: () => {}, now: Date.now });
  const connect = (urls: readonly string[], caFile: string | null = null, withinMs = 600) =>
    connectNats(
      { ...access, caFile, urls: urls.map((url) => new URL(url)) },
      { logger: quiet, withinMs, signal: AbortSignal.timeout(20_000) },
    );

  it("gives up after its time where nobody is there, and says of each address what was found there", async () => {
    const ports = [await freePort(), await freePort()];
    const [first = 0, second = 0] = ports;
    const startedAt = performance.now();
    const failing = connect([`nats://127.0.0.1:${first}`, `nats://u:secret@127.0.0.1:${second}`]);
    await assert.rejects(failing, ({ message }: Error) => {
      assert.match(message, /^NATS \(CONNACK_STORE\): /);
      for (const port of ports) assert.ok(message.includes(`127.0.0.1:${port}: connection refused`), message);
      assert.ok(!message.includes("secret"));
      return true;
    });
    assert.ok(performance.now() - startedAt >= 600);
  });

  it("tells a server that is no NATS server from one that does not answer", async () => {
    const web = createServer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const { port } = web.address() as { port: number };
    await assert.rejects(connect([`nats://127.0.0.1:${port}`]), /: unexpected response from server$/);
    web.close();
  });

  it(
    "connects to those that are there, and knows the others",
    async () => {
      await using nats = await startNats();
      const away = await freePort();
      await using connection = Object.assign(await connect([`nats://127.0.0.1:${away}`, nats.url]), {
        [Symbol.asyncDispose]: () => connection.close(),
      });
      const known = connection.getServers().map(({ listen }) => listen);
      assert.ok(known.includes(`127.0.0.1:${away}`), known.join());
    },
    { skip },
  );

  it(
    "refuses at once a server without TLS where it is asked for",
    async () => {
      await using nats = await startNats();
      using directory = temporaryDirectory();
      const ca = join(directory.path, "ca.pem");
      writeFileSync(ca, (await makeCertificates()).ca.cert);
      const says = /it has no TLS, which tls:\/\/ and CONNACK_NATS_CA_FILE ask for$/;
      await assert.rejects(connect([nats.url], ca, 60_000), says);
      await assert.rejects(connect([nats.url.replace("nats:", "tls:")], null, 60_000), says);
    },
    { skip },
  );

  it(
    "goes on trying where its password is refused for a while, after the servers were told another one",
    async () => {
      using directory = temporaryDirectory();
      const program = natsProgram();
      assert.ok(program !== undefined);
      const [client, route, monitoring] = [await freePort(), await freePort(), await freePort()];
      const ports = { client, route, monitoring };
      const configure = (password: string) =>
        writeNatsConfig(directory.path, {
          ...{ name: "n1", ports, routes: [], advertise: undefined, syncInterval: undefined },
          application: { user: "connack", password },
          system: { user: "system", password: "system" },
        });
      const config = configure("old");
      const options = { program: program.path, name: "n1", config, directory: directory.path, ports };
      const server = new NatsProcess({ ...options, url: "" });
      await server.start();
      const connection = await connect([`nats://connack:old@127.0.0.1:${client}`]);
      const statuses = connection.status();
      await server.terminate();
      configure("new");
      await server.start();
      let refusals = 0;
      for await (const { type } of statuses) {
        if (type === "error") refusals += 1;
        // The client's own rule is to give up after the second.
        if (refusals === 3) break;
      }
      assert.equal(connection.isClosed(), false);
      const back = connection.status();
      await server.terminate();
      configure("old");
      await server.start();
      for await (const { type } of back) if (type === "reconnect") break;
      await connection.close();
      await server.kill();
    },
    { skip },
  );

  it("says which file cannot be read", async () => {
    await assert.rejects(connect(["nats://127.0.0.1:1"], "/no/such/ca.pem"), /no\/such\/ca\.pem/);
  });
});
