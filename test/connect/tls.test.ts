import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type TLSSocket } from "node:tls";
import { makeCertificates, type Certificates } from "../support/certificates.ts";
import { accepts } from "../support/broker-scripts.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { before, describe } from "../support/test.ts";

const withOpenssl = { skip: needs("openssl") };
const withMosquitto = { skip: needs("openssl", "mosquitto") };
let made: Certificates;
before(async () => {
  if (withOpenssl.skip === false) made = await makeCertificates();
});

async function opens(rig: Rig, request: object): Promise<void> {
  const { status, text } = await rig.open(request);
  assert.equal(status, 201, text);
}

describe("tls", () => {
  itHolds(
    "client certificate: mosquitto takes it for the user name; the key shows nowhere",
    async (rig) => {
      const { ca, server, client } = made;
      await using broker = await startMosquitto({
        tls: { ca: ca.cert, ...server, requireCertificate: true },
        extra: ["use_identity_as_username true"],
      });
      const request = { id: "mutual", url: broker.url, tls: { ca: ca.cert, ...client }, clientId: "mutual" };
      await opens(rig, request);
      await broker.logged(/as mutual \(.*u'client'\)/);
      const { body, text } = await rig.call("GET", "/connections/mutual");
      assert.equal(body.request.tls.key, true);
      assert.ok(!text.includes("PRIVATE KEY"));
    },
    withMosquitto,
  );

  itHolds(
    "serverName: the name that is asked for and that the certificate must have",
    async (rig) => {
      const broker = await rig.broker(accepts(), { tls: made.wrongHost });
      await opens(rig, { url: broker.url, tls: { ca: made.ca.cert, serverName: "wrong.example" } });
    },
    withOpenssl,
  );

  itHolds(
    "serverName and alpnProtocols go into the handshake",
    async (rig) => {
      const options = { ...made.wrongHost, ALPNProtocols: ["mqtt"] };
      const server = createServer(options).listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      const handshake = once(server, "secureConnection") as Promise<[TLSSocket & { servername: string }]>;
      const request = {
        url: `mqtts://127.0.0.1:${port}`,
        tls: { ca: made.ca.cert, serverName: "wrong.example", alpnProtocols: ["x", "mqtt"] },
      };
      const answer = rig.open(request);
      const [socket] = await handshake;
      assert.equal(socket.alpnProtocol, "mqtt");
      assert.equal(socket.servername, "wrong.example");
      socket.destroy();
      assert.equal((await answer).status, 502);
      server.close();
    },
    withOpenssl,
  );

  for (const shown of ["expired", "selfSigned", "wrongHost"] as const) {
    itHolds(
      `verify: false takes a certificate that is ${shown}`,
      async (rig) => {
        const broker = await rig.broker(accepts(), { tls: made[shown] });
        await opens(rig, { url: broker.url, tls: { verify: false } });
      },
      withOpenssl,
    );
  }

  itHolds(
    "a self-signed certificate is trusted when it is given as ca",
    async (rig) => {
      const broker = await rig.broker(accepts(), { tls: made.selfSigned });
      await opens(rig, { url: broker.url, tls: { ca: made.selfSigned.cert } });
    },
    withOpenssl,
  );

  itHolds(
    "a reconnect verifies anew",
    async (rig) => {
      const first = await rig.broker(accepts(), { tls: made.server });
      const reconnect = { minDelayMs: 10, maxDelayMs: 20 };
      await opens(rig, { id: "x", url: first.url, tls: { ca: made.ca.cert }, reconnect });
      await using events = await rig.app.events("/connections/x/events");
      await first[Symbol.asyncDispose]();
      const second = await rig.broker(accepts(), { tls: made.selfSigned, port: first.port });
      const failed = await events.next("failed");
      assert.equal(failed.data.code, "tls-error");
      for (const { received } of second.peers) assert.deepEqual(received, []);
    },
    withOpenssl,
  );
});
