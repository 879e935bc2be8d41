import assert from "node:assert/strict";
import { scopes } from "../../src/access/principal.ts";
import { startApp } from "../support/app.ts";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { makeCertificates } from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { silent } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds, timed, type Rig } from "../support/invariants.ts";
import { principalOf } from "../support/limit-scene.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const pathOf = (target: string, more = "") => `/probe?target=${encodeURIComponent(target)}${more}`;

async function scrape(
  rig: Pick<Rig, "call">,
  target: string,
  more = "",
  headers: Record<string, string> = {},
) {
  const answer = await rig.call("GET", pathOf(target, more), undefined, headers);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; ?version=0\.0\.4/);
  const lines = answer.text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => line.split(" ") as [string, string]).map(([k, v]) => [k, Number(v)]));
}

describe("GET /probe", () => {
  itHolds("tells success, what each stage took, and the CONNACK's reason code", async (rig) => {
    const broker = await rig.broker(accepts());
    const metrics = await scrape(rig, broker.url);
    const names = ["dns", "tcp", "connack"].map((stage) => `connack_probe_stage_seconds{stage="${stage}"}`);
    assert.deepEqual(
      [...metrics.keys()],
      ["probe_success", "probe_duration_seconds", ...names, "connack_probe_reason_code"],
    );
    assert.deepEqual([metrics.get("probe_success"), metrics.get("connack_probe_reason_code")], [1, 0]);
    const sum = names.reduce((all, name) => all + (metrics.get(name) ?? 0), 0);
    assert.ok(sum > 0 && Math.abs(sum - (metrics.get("probe_duration_seconds") ?? 0)) < 1e-6);
  });

  itHolds("tells failure by stage and code, and a refusal by its reason code", async (rig) => {
    const nobody = await scrape(rig, `mqtt://127.0.0.1:${await freePort()}`);
    assert.equal(nobody.get("probe_success"), 0);
    assert.equal(nobody.get('connack_probe_failure{stage="tcp",code="connection-refused"}'), 1);
    assert.equal(nobody.get("connack_probe_reason_code"), undefined);
    const refusing = await rig.broker(refuses(0x87));
    const refused = await scrape(rig, refusing.url, "&protocolVersion=5");
    assert.equal(refused.get("connack_probe_reason_code"), 0x87);
    assert.equal(refused.get('connack_probe_failure{stage="connack",code="broker-refused"}'), 1);
  });

  itHolds("answers before Prometheus gives up", async (rig) => {
    const broker = await rig.broker(silent());
    const patience = { "x-prometheus-scrape-timeout-seconds": "0.9" };
    const [metrics, ms] = await timed(scrape(rig, broker.url, "", patience));
    assert.equal(metrics.get("probe_success"), 0);
    assert.ok(ms >= 390 && ms < 900, `${ms} ms`);
  });

  itHolds(
    "tells when the certificate ends, as POST /probe does",
    async (rig) => {
      const { ca, server } = await makeCertificates();
      const broker = await rig.broker(accepts(), { tls: server });
      // A certificate that is not trusted is not looked at.
      assert.equal((await scrape(rig, broker.url)).get("probe_ssl_earliest_cert_expiry"), undefined);
      const { body } = await rig.call("POST", "/probe", { url: broker.url, tls: { ca: ca.cert } });
      assert.ok(Date.parse(body.certificateEndsAt) > Date.now(), JSON.stringify(body));
    },
    { skip: needs("openssl") },
  );

  itHolds("refuses credentials in the query, repeats none, and says where they go", async (rig) => {
    for (const target of ["mqtt://user:geheim@127.0.0.1", "mqtt://geheim@127.0.0.1", "wss://:geheim@a/"]) {
      const answer = await rig.call("GET", pathOf(target));
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, "target");
      assert.match(answer.body.errors[0].detail, /POST \/probe/);
      assert.doesNotMatch(answer.text, /geheim/);
    }
    for (const path of [
      "/probe",
      "/probe?target=x",
      "/probe?target=mqtt://a&module=b",
      "/probe?target=http://a",
    ])
      assertProblem(await rig.call("GET", path), 422, "invalid-request");
  });

  it("needs the scope connections:write, and keeps to the policy", async () => {
    const others = new Set(scopes.filter((scope) => scope !== "connections:write" && scope !== "admin"));
    await using reader = await startApp({}, { principal: principalOf("t", { scopes: others, id: "x" }) });
    assertProblem(await reader.call("GET", pathOf("mqtt://127.0.0.1")), 403, "forbidden");
    await using app = await startApp({ CONNACK_EGRESS_DENY: "loopback" });
    const forbidden = await scrape(app, "mqtt://127.0.0.1");
    assert.equal(forbidden.get('connack_probe_failure{stage="policy",code="destination-forbidden"}'), 1);
  });
});
