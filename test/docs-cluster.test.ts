import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { openGrounds } from "../src/cluster/grounds.ts";
import { patiently } from "../src/cluster/patience.ts";
import { accepts } from "./support/broker-scripts.ts";
import { makeCertificates } from "./support/certificates.ts";
import { startDocumentedNats, type DocumentedNats } from "./support/documented-nats.ts";
import { environmentOf } from "./support/environment-file.ts";
import { needs } from "./support/needs.ts";
import { startMain, type Program } from "./support/program.ts";
import { startScriptedBroker } from "./support/scripted-broker.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { after, before, describe, it } from "./support/test.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const adminToken = "a".repeat(40);
const skip = needs("nats");

describe("docs/cluster/nats.conf and connack.env", () => {
  let nats: DocumentedNats;
  const directory = temporaryDirectory();

  before(async () => {
    if (skip === false) nats = await startDocumentedNats();
    writeFileSync(join(directory.path, "secret-key"), Buffer.alloc(32, 7).toString("base64"), {
      mode: 0o600,
    });
    writeFileSync(join(directory.path, "admin-token"), adminToken, { mode: 0o600 });
  });
  after(async () => {
    if (skip === false) await nats[Symbol.asyncDispose]();
    directory[Symbol.dispose]();
  });

  /** A node with the documented environment; its broker is on this machine, which has to be allowed. */
  function node(number: number, more: Record<string, string> = {}): Program {
    const text = nats.fill(read("docs/cluster/connack.env")).replaceAll("/etc/connack", directory.path);
    return startMain({
      ...environmentOf(text.replace("node-1", `node-${number}`)),
      CONNACK_HOST: "127.0.0.1",
      CONNACK_EGRESS_ALLOW: "loopback",
      ...more,
    });
  }

  const asUser = (user: string, pass: string) =>
    connect({
      servers: nats.servers.map(({ port }) => `localhost:${port}`),
      ...{ user, pass, tls: { caFile: nats.caFile }, maxReconnectAttempts: 0 },
    });

  it(
    "lets Connack do everything that it does with a store, a snapshot among it",
    async () => {
      const connection = await asUser("connack", nats.passwords.CONNACK);
      const place = { connection, name: "connack", replicas: 3, shards: 12, maxBytes: 1e9 };
      const open = () => openGrounds({ ...place, newEpoch: () => "epoch" });
      const grounds = await patiently(open, () => performance.now());
      grounds.answerPings("here");
      assert.equal(await grounds.isNobodyThere("here"), false);
      await grounds.nodes.put("here", "{}");
      await grounds.nodes.delete("here");
      const store = await grounds.openStore("here", 3, 0, () => {});
      const lease = await store.acquire();
      const manager = await jetstreamManager(connection);
      const records = async () => (await manager.streams.info("connack")).state.first_seq;
      const first = await records();
      // Its records take more than what they leave behind, until they are taken away.
      for (let round = 0; (await records()) === first; round += 1) {
        assert.ok(round < 100, "no snapshot was taken");
        const value = `${round}`.padEnd(500_000, "x");
        await store.commit(lease, [{ type: "put", space: "s", key: "k", value }]);
      }
      await store[Symbol.asyncDispose]();
      const again = await grounds.openStore("there", 3, (await grounds.readLast(3))?.sequence ?? 0, () => {});
      await again.acquire();
      assert.equal((await again.get("s", "k"))?.length, 500_000);
      await again[Symbol.asyncDispose]();
      await connection.close();
      for (const server of nats.servers) assert.doesNotMatch(server.log(), /Violation/);
    },
    { skip, timeout: 60_000 },
  );

  it(
    "makes a cluster, in which what is opened at one node is read at the other, over TLS, with all servers asked",
    async () => {
      await using broker = await startScriptedBroker(accepts());
      await using one = node(1);
      await using two = node(2);
      const urls = await Promise.all([one, two].map(listening));
      const headers = { authorization: `Bearer ${adminToken}`, "content-type": "application/json" };
      const call = async (which: number, method: string, path: string, body?: object) => {
        const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
        const response = await fetch(`${urls[which] ?? ""}${path}`, init);
        return { status: response.status, body: (await response.json()) as Record<string, unknown> };
      };
      for (let n = 0; n < 6; n += 1) {
        const put = await call(n % 2, "PUT", `/connections/c${n}`, { url: broker.url });
        assert.equal(put.status, 201, JSON.stringify(put.body));
      }
      for (const which of [0, 1]) {
        const list = await call(which, "GET", "/connections");
        assert.equal((list.body["items"] as unknown[]).length, 6);
        for (let n = 0; n < 6; n += 1) {
          const { status, body } = await call(which, "GET", `/connections/c${n}`);
          assert.deepEqual([status, body["state"]], [200, "connected"]);
        }
      }
      const ready = await readyWithShards(() => call(1, "GET", "/readyz"));
      assert.equal(
        ready.survives,
        "on 3 servers: 1 of them may be lost; a power failure of all at once loses nothing that was acknowledged",
      );
      for (const program of [one, two]) {
        assert.doesNotMatch(program.output(), /"level":"(warn|error)"/);
        program.signal("SIGTERM");
        assert.equal(await program.exited, 0, program.output());
      }
      for (const server of nats.servers) assert.doesNotMatch(server.log(), /Violation/);
    },
    { skip, timeout: 60_000 },
  );

  it(
    "keeps a node away from servers whose certificate is not of the CA that it knows",
    async () => {
      const stranger = join(directory.path, "stranger.pem");
      writeFileSync(stranger, (await makeCertificates()).selfSigned.cert);
      await using other = node(3, { CONNACK_NATS_CA_FILE: stranger });
      assert.equal(await other.exited, 1, other.output());
      assert.match(
        other.output(),
        /cannot start: NATS \(CONNACK_STORE\): .*localhost:\d+: its certificate is not to be trusted/,
      );
      assert.ok(!other.output().includes(nats.passwords.CONNACK));
    },
    { skip },
  );

  it(
    "lets the application's user do nothing beside its subjects, and the one that asks servers nothing else",
    async () => {
      const application = await asUser("connack", nats.passwords.CONNACK);
      for (const subject of ["elsewhere", "connacks.0.log", "$KV.other.key", "$SYS.REQ.SERVER.PING"])
        await refused(application, "publish", subject);
      for (const what of ["STREAM.DELETE.connack", "STREAM.CREATE.other", "STREAM.MSG.DELETE.connack"])
        await refused(application, "publish", `$JS.API.${what}`);
      for (const what of ["STREAM.LIST", "STREAM.SNAPSHOT.connack", "CONSUMER.CREATE.connack"])
        await refused(application, "publish", `$JS.API.${what}`);
      for (const subject of [">", "elsewhere", "$KV.connack-nodes.*", "$JS.API.>"])
        await refused(application, "subscribe", subject);
      await assert.rejects(
        jetstream(application).publish("connack-other.0.log", "x"),
        /Permissions Violation/i,
      );
      await assert.rejects(new Kvm(application).create("other"), /Permissions Violation/i);
      await application.close();
      const check = await asUser("connack-check", nats.passwords.CHECK);
      for (const subject of ["connack.0.log", "$SYS.REQ.SERVER.PING", "$JS.API.INFO"])
        await refused(check, "publish", subject);
      await refused(check, "subscribe", "$SYS.>");
      await check.close();
    },
    { skip },
  );
});

async function listening(program: Program): Promise<string> {
  const line = await program.printed(/connack listening on \S+/);
  return line.slice("connack listening on ".length);
}

/** What a node says of its cluster, once it has shards. */
async function readyWithShards(
  ask: () => Promise<{ readonly body: Record<string, unknown> }>,
): Promise<{ readonly survives: string }> {
  for (;;) {
    const { body } = await ask();
    if (body["ready"] === true && body["cluster"] !== undefined)
      return body["cluster"] as { readonly survives: string };
  }
}

/** The servers say so, and carry nothing out. */
async function refused(
  connection: NatsConnection,
  operation: "publish" | "subscribe",
  subject: string,
): Promise<void> {
  const said = (async () => {
    for await (const status of connection.status())
      if (status.type === "error" && status.error.message.includes(`"${subject}"`))
        return status.error.message;
    return "the connection was closed";
  })();
  if (operation === "publish") connection.publish(subject, "{}");
  else connection.subscribe(subject, { callback: () => {} });
  const answered = async () => {
    for (let rounds = 0; rounds < 3; rounds += 1) await connection.flush();
    return "it was not refused";
  };
  assert.match(
    await Promise.race([said, answered()]),
    new RegExp(`Permissions Violation for ${operation === "publish" ? "P" : "S"}`),
    subject,
  );
}
