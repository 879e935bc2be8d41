import assert from "node:assert/strict";
import { oldNatsProgram } from "../support/nats-program.ts";
import { type Nats, startNats } from "../support/nats.ts";
import { needs, needsOldNats } from "../support/needs.ts";
import { startMain } from "../support/program.ts";
import { after, before, describe, it } from "../support/test.ts";

const skip = needs("nats");

/** Settings beside those that are the same for all; undefined takes one away. */
type More = Readonly<Record<string, string | undefined>>;

/** A node as an operator starts it, on one server, which is enough to be refused. */
function node(nats: Nats, more: More = {}) {
  const settings = {
    CONNACK_STORE: nats.url,
    CONNACK_CLUSTER_SYSTEM_URL: nats.systemUrl,
    CONNACK_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
    ...more,
  };
  const set = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return startMain(Object.fromEntries(set));
}

/** What it says when it does not start. */
async function refusal(nats: Nats, more: More = {}): Promise<string> {
  await using program = node(nats, more);
  assert.equal(await program.exited, 1, program.output());
  const [line] = /^cannot start: .+$/m.exec(program.output()) ?? assert.fail(program.output());
  return line;
}

/** That it starts, what it has warned of, and what `/readyz` says of what is kept there. */
async function started(nats: Nats, more: More) {
  await using program = node(nats, more);
  const line = await program.printed(/connack listening on \S+/);
  const warnings = [...program.output().matchAll(/a risk is taken: .*?"risk":"([a-z-]+)"/g)].map(
    ([, risk]) => risk,
  );
  const url = `${line.slice("connack listening on ".length)}/readyz`;
  for (;;) {
    // It has no shard in its first second.
    const response = await fetch(url);
    const said = (await response.json()) as { cluster?: { survives: string } };
    if (response.ok && said.cluster !== undefined) return { warnings, survives: said.cluster.survives };
  }
}

function withPassword(urls: string, password: string): string {
  return urls.replaceAll(/:[^:@/]+@/g, `:${password}@`);
}

describe("a node whose servers are not safe enough", () => {
  let nats: Nats;
  before(async () => {
    if (skip === false) nats = await startNats();
  });
  after(async () => {
    if (skip === false) await nats[Symbol.asyncDispose]();
  });

  it(
    "is refused with fewer than three copies of each record, and started where that risk is taken",
    async () => {
      const said = await refusal(nats, { CONNACK_CLUSTER_REPLICAS: "1" });
      assert.match(said, /there is one copy of each record \(CONNACK_CLUSTER_REPLICAS=1\)/);
      assert.match(said, /CONNACK_CLUSTER_ALLOW=few-replicas takes that risk$/);
      const allowed = { CONNACK_CLUSTER_REPLICAS: "1", CONNACK_CLUSTER_ALLOW: "few-replicas" };
      assert.deepEqual(await started(nats, allowed), {
        warnings: ["few-replicas"],
        survives:
          "on one server: the loss of that server loses everything; a power failure of all at once loses nothing that was acknowledged",
      });
    },
    { skip },
  );

  it(
    "is refused where nobody can be asked: without the system account, or with a user of another one",
    async () => {
      const alone = { CONNACK_CLUSTER_REPLICAS: "1", CONNACK_CLUSTER_ALLOW: "few-replicas" };
      const without = await refusal(nats, { ...alone, CONNACK_CLUSTER_SYSTEM_URL: undefined });
      assert.match(without, /CONNACK_CLUSTER_SYSTEM_URL, with which all can be asked, is not set\. /);
      assert.match(without, /CONNACK_CLUSTER_ALLOW=few-replicas,unchecked-servers takes that risk$/);
      const other = { ...alone, CONNACK_CLUSTER_SYSTEM_URL: nats.url };
      assert.match(
        await refusal(nats, other),
        /none answers the user of CONNACK_CLUSTER_SYSTEM_URL, who is not one of the system account\. /,
      );
      const allowed = { ...other, CONNACK_CLUSTER_ALLOW: "few-replicas,unchecked-servers" };
      const { warnings, survives } = await started(nats, allowed);
      assert.deepEqual(warnings, ["unchecked-servers", "few-replicas"]);
      assert.match(survives ?? "", /it is not known what a power failure of all at once can lose$/);
    },
    { skip },
  );

  it(
    "is refused where others could call without a token, before it takes a shard from those who could serve it",
    async () => {
      const said = await refusal(nats, {
        CONNACK_HOST: "0.0.0.0",
        CONNACK_CLUSTER_REPLICAS: "1",
        CONNACK_CLUSTER_ALLOW: "few-replicas",
      });
      assert.match(said, /^cannot start: CONNACK_HOST="0\.0\.0\.0" can be reached from other machines/);
    },
    { skip },
  );

  it(
    "is refused where other servers were asked than those that keep everything",
    async () => {
      await using others = await startNats();
      const more = { CONNACK_CLUSTER_SYSTEM_URL: others.systemUrl };
      assert.match(await refusal(nats, more), /leads to other servers than CONNACK_STORE\. .*unchecked/);
    },
    { skip },
  );

  it(
    "is refused with a password that the servers do not know, at once, and says which setting has it",
    async () => {
      const startedAt = performance.now();
      const wrong = "no-such-password";
      const store = await refusal(nats, { CONNACK_STORE: withPassword(nats.url, wrong) });
      const address = `127\\.0\\.0\\.1:${nats.servers[0]!.port}`;
      assert.match(
        store,
        new RegExp(`NATS \\(CONNACK_STORE\\): ${address}: it does not let this user in \\(Author`),
      );
      assert.ok(!store.includes(wrong));
      const system = await refusal(nats, {
        CONNACK_CLUSTER_SYSTEM_URL: withPassword(nats.systemUrl, wrong),
      });
      assert.match(system, /NATS \(CONNACK_CLUSTER_SYSTEM_URL\): .*does not let this user in/);
      assert.ok(performance.now() - startedAt < 25_000, "it waited for what does not change");
    },
    { skip },
  );

  it(
    "is refused where records are acknowledged before they are on the disk, and started where that risk is taken",
    async () => {
      await using lazy = await startNats({ syncAlways: false });
      const alone = { CONNACK_CLUSTER_REPLICAS: "1", CONNACK_CLUSTER_ALLOW: "few-replicas" };
      const said = await refusal(lazy, alone);
      assert.match(said, /nats-server n1 may acknowledge records 120 s before they are on its disk/);
      assert.match(said, /set jetstream \{ sync_interval: always \}\. CONNACK_CLUSTER_ALLOW=.*lazy-sync/);
      const { warnings, survives } = await started(lazy, {
        ...alone,
        CONNACK_CLUSTER_ALLOW: "few-replicas,lazy-sync",
      });
      assert.deepEqual(warnings, ["few-replicas", "lazy-sync"]);
      assert.match(survives ?? "", /a power failure of all at once can lose the last 120 s$/);
    },
    { skip },
  );

  it(
    "is refused on servers that have several winners of one race, and says all that there is against them",
    async () => {
      await using old = await startNats({ program: oldNatsProgram() });
      const said = await refusal(old, { CONNACK_CLUSTER_REPLICAS: "1" });
      const version = old.version.replaceAll(".", "\\.");
      assert.match(said, new RegExp(`nats-server ${version} \\(n1\\) is older than 2\\.12: `));
      assert.match(said, /CONNACK_CLUSTER_ALLOW=old-servers,few-replicas,lazy-sync takes those risks$/);
    },
    { skip: skip || needsOldNats() },
  );
});

describe("a node whose settings do not fit", () => {
  it(
    "is refused where others could call who need no token",
    async () => {
      await using nats = await startNats();
      const alone = { CONNACK_CLUSTER_REPLICAS: "1", CONNACK_CLUSTER_ALLOW: "few-replicas" };
      const said = await refusal(nats, { ...alone, CONNACK_HOST: "0.0.0.0" });
      assert.match(said, /CONNACK_HOST="0\.0\.0\.0" can be reached from other machines, and no token /);
    },
    { skip },
  );

  it(
    "is refused where it could not open what the others have sealed",
    async () => {
      await using nats = await startNats();
      const alone = { CONNACK_CLUSTER_REPLICAS: "1", CONNACK_CLUSTER_ALLOW: "few-replicas" };
      await using first = node(nats, { ...alone, CONNACK_CLUSTER_NODE: "first" });
      await first.printed(/connack listening on \S+/);
      const other = Buffer.alloc(32, 8).toString("base64");
      assert.match(
        await refusal(nats, { ...alone, CONNACK_SECRET_KEY: other }),
        /^cannot start: The node first encrypts with the key [0-9a-f]{8}, which is not among those /,
      );
    },
    { skip },
  );
});

describe("a node that starts before its servers", () => {
  it(
    "says for whom it waits, is not ready, and starts when they are there",
    async () => {
      await using nats = await startNats();
      const [server] = nats.servers;
      await server!.kill();
      const alone = { CONNACK_CLUSTER_REPLICAS: "1", CONNACK_CLUSTER_ALLOW: "few-replicas" };
      await using program = node(nats, alone);
      const waiting = await program.printed(/"waiting for servers of NATS".*/);
      assert.ok(waiting.includes(`127.0.0.1:${server!.port}: connection refused`), waiting);
      assert.doesNotMatch(program.output(), /test-password|connack listening/);
      await server!.start();
      await program.printed(/connack listening on \S+/);
    },
    { skip },
  );
});
