import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { type Transport, startAedes } from "./aedes-broker.ts";
import { makeCertificates } from "./certificates.ts";
import { connectClient, nextMessage } from "./mqtt-client.ts";
import { needs } from "./needs.ts";
import { describe, it } from "./test.ts";

describe("startAedes()", () => {
  for (const transport of ["tcp", "tls", "ws", "wss"] as const) {
    const encrypted = transport === "tls" || transport === "wss";
    it(`carries 1 and 16 MB both ways over ${transport}`, () => echo(transport, encrypted), {
      skip: encrypted && needs("openssl"),
    });
  }

  it("asks authenticate()", async () => {
    await using broker = await startAedes({
      aedes: { authenticate: (_client, username, _password, done) => done(null, username === "ada") },
    });
    await assert.rejects(connectClient(broker.url, { username: "bob" }), /Not authorized/i);
    await using client = await connectClient(broker.url, { username: "ada", clientId: "notes" });
    assert.equal(client.connected, true);
    assert.deepEqual(broker.clientIds, ["notes"]);
  });

  it("refuses upgrades with an HTTP status and notes their headers", async () => {
    await using broker = await startAedes({ transport: "ws", rejectUpgrade: 403 });
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "MTIzNDU2Nzg5MDEyMzQ1Ng==",
      "x-tenant": "blue",
    };
    const call = request({ port: broker.port, host: "127.0.0.1", path: "/mqtt", headers });
    call.end();
    const [response] = await once(call, "response");
    assert.equal(response.statusCode, 403);
    response.resume();
    assert.equal(broker.upgrades[0]?.path, "/mqtt");
    assert.equal(broker.upgrades[0]?.headers["x-tenant"], "blue");
    await assert.rejects(connectClient(broker.url));
  });
});

async function echo(transport: Transport, encrypted: boolean): Promise<void> {
  const { ca, server } = encrypted ? await makeCertificates() : { ca: undefined, server: undefined };
  await using broker = await startAedes({ transport, ...(server && { certificate: server }) });
  await using client = await connectClient(broker.url, { protocolVersion: 5, ...(ca && { ca: ca.cert }) });
  await client.subscribeAsync("big", { qos: 1 });
  for (const bytes of [1_000_000, 16_000_000]) {
    const payload = Buffer.alloc(bytes, "0123456789abcdef!");
    const message = nextMessage(client);
    await client.publishAsync("big", payload, { qos: 1 });
    assert.equal(digest((await message).payload), digest(payload));
  }
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
