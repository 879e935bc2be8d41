import assert from "node:assert/strict";
import { ClusterApp } from "../../src/cluster-app.ts";
import { createLogger } from "../../src/log.ts";
import { parseSettings } from "../../src/settings.ts";
import { adminToken } from "../support/access.ts";
import { startClusterApps } from "../support/cluster-apps.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";
import { until } from "../support/tunnel-rig.ts";

const ids = Array.from({ length: 12 }, (_, n) => `c${n}`);
/** The secret is sealed, so that its shard can be opened with the key alone. */
const durable = { url: "mqtt://127.0.0.1:1", username: "u", password: "secret", durable: true };

describe("a node of a cluster without the key of what is kept", () => {
  let nats: Nats;
  before(async () => {
    nats = await startNats();
  });
  after(async () => {
    await nats[Symbol.asyncDispose]();
  });

  it("leaves what it cannot open to those who can, and takes calls to them", async () => {
    await using opened = new AsyncDisposableStack();
    const [one] = await startClusterApps(nats, "otherkey", ["a"]);
    assert.ok(one !== undefined);
    opened.use(one.app);
    for (const id of ids)
      assert.equal((await one.call("PUT", `/connections/${id}?wait=0`, durable)).status, 202);
    const troubles: string[] = [];
    const write = (line: string) => void troubles.push(line);
    const other = new ClusterApp(
      parseSettings({
        CONNACK_STORE: nats.url,
        CONNACK_CLUSTER_NAME: "otherkey",
        CONNACK_CLUSTER_NODE: "b",
        CONNACK_CLUSTER_REPLICAS: "1",
        CONNACK_CLUSTER_ALLOW: "few-replicas,unchecked-servers",
        CONNACK_SECRET_KEY: "11".repeat(32),
        CONNACK_ADMIN_TOKEN: adminToken,
        CONNACK_EGRESS_ALLOW: "loopback",
        CONNACK_SHUTDOWN_GRACE_MS: "2000",
      }),
      createLogger({ level: "error", format: "json", write, now: Date.now }),
      "0.0.0-test",
    );
    opened.use(other);
    await other.open();
    await until(() => troubles.length > 0, "it has tried what it was given");
    const headers = { host: "127.0.0.1", authorization: `Bearer ${adminToken}` };
    for (const id of ids) {
      const answer = await other.fetch(new Request(`http://127.0.0.1/connections/${id}`, { headers }));
      assert.equal(answer.status, 200, id);
    }
    assert.match(troubles.join(""), /could not be taken over.*is not among those of CONNACK_SECRET_KEY/);
  });
});
