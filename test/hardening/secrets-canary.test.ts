import assert from "node:assert/strict";
import { createPrivateKey, randomBytes } from "node:crypto";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { keyCanary, openMode, withAccessControl, type Mode } from "../support/canary-modes.ts";
import { canary, canaryOfBytes, filesOf, found, type Canary } from "../support/canary.ts";
import { CanaryScene, startParrot } from "../support/canary-scene.ts";
import { makeCertificates } from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";
import { startEndpoint, status } from "../support/webhook-endpoint.ts";

// No secret that a caller, an operator or a broker gives may come out of the program again, in whatever form, but where it
// is meant to: in the packet, the handshake or the signature that it is for.

/** Webhook secrets are bytes in base64. */
const webhookSecret = (name: string) => {
  const bytes = randomBytes(32);
  return canaryOfBytes(name, bytes, `whsec_${bytes.toString("base64")}`);
};

/** A client's key, encrypted with a passphrase: the canary is a part of its secret number that is within a line of PEM. */
function keyOf(pem: string, passphrase: string): { canary: Canary; encrypted: string } {
  const key = createPrivateKey(pem);
  const der = key.export({ type: "pkcs8", format: "der" });
  const encrypted = key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase });
  const piece = der.subarray(48, 66);
  assert.ok(pem.includes(piece.toString("base64")), "the key is where it was expected");
  return { canary: canaryOfBytes("the private key", Buffer.from(piece), pem), encrypted };
}

/** Asserts that the canary was where it belongs, so that its absence elsewhere means something. */
function assertHeard(one: Canary, where: unknown): void {
  const text = typeof where === "string" ? where : JSON.stringify(where);
  const plain = one.needles[0]?.[1] ?? "";
  assert.ok(text.includes(plain), `${one.name} was not sent`);
}

function itLetsNoSecretOut({ key, environment, headers, own }: Mode): void {
  it(
    "of a connection that succeeds, gets new credentials, survives kill -9 and a start with a wrong key",
    async () => {
      const all = {
        username: canary("username"),
        password: canary("password"),
        authentication: canary("authentication data"),
        newUsername: canary("the new username"),
        newPassword: canary("the new password"),
        urlUsername: canary("the URL's username", "plain"),
        urlPassword: canary("the URL's password", "plain"),
        once: canary("a password under an Idempotency-Key"),
        probed: canary("a probe's password"),
      };
      const secrets = [...own, ...Object.values(all)];
      const marker = canary("what is no secret", "plain");
      await using broker = await startScriptedBroker(accepts());
      await using scene = new CanaryScene(headers);
      const first = await scene.start(environment);
      await scene.follow("/events");
      const put = await scene.call("PUT", "/connections/home", {
        url: broker.url,
        username: all.username.text,
        password: all.password.text,
        properties: { authenticationMethod: "m", authenticationData: all.authentication.text },
        labels: { marker: marker.text },
      });
      assert.equal(put.status, 201, JSON.stringify(put.body));
      await scene.follow("/connections/home/events?lastEventId=earliest");
      const [connect] = (await broker.connection(1)).received;
      assert.ok(connect?.cmd === "connect");
      assert.equal(connect.username, all.username.text);
      assert.equal(String(connect.password), all.password.text);
      assert.equal(String(connect.properties?.authenticationData), all.authentication.text);

      const { newUsername, newPassword } = all;
      const renewed = { username: newUsername.text, password: newPassword.text };
      assert.equal((await scene.call("POST", "/connections/home/reconnect", renewed)).status, 200);
      const [again] = (await broker.connection(2)).received;
      assert.ok(again?.cmd === "connect");
      assert.deepEqual([again.username, String(again.password)], [newUsername.text, newPassword.text]);

      const url = broker.url.replace("//", `//${all.urlUsername.text}:${all.urlPassword.text}@`);
      assert.equal((await scene.call("PUT", "/connections/by-url", { url })).status, 201);
      const once = { url: broker.url, username: "u", password: all.once.text };
      for (let time = 1; time <= 2; time += 1) {
        const opened = await scene.call("POST", "/connections", once, { "idempotency-key": "k" });
        assert.equal(opened.status, 201);
      }
      const probe = { url: broker.url, username: "u", password: all.probed.text };
      assert.equal((await scene.call("POST", "/probe", probe)).status, 200);
      const packets = broker.peers.map(({ received: [packet] }) =>
        packet?.cmd === "connect" ? `${packet.username} ${String(packet.password)}` : "",
      );
      for (const one of [all.urlUsername, all.urlPassword, all.once, all.probed])
        assertHeard(one, packets.join("\n"));

      await scene.readEverything();
      if (process.platform === "linux") scene.readProcess(first);
      first.signal("SIGKILL");
      await first.exited;
      scene.readStore("after kill -9");
      assert.ok(
        filesOf(scene.data).some(([, bytes]) => found([marker], bytes).length > 0),
        "the store was searched",
      );

      const wrong = keyCanary();
      const refused = scene.run({ CONNACK_SECRET_KEY: wrong.text });
      assert.equal(await refused.exited, 1, refused.output());
      const nearly = scene.run({ CONNACK_SECRET_KEY: `${key.text.slice(0, -2)}!` });
      assert.equal(await nearly.exited, 2, nearly.output());

      const before = broker.peers.length;
      const second = await scene.start({ ...environment, CONNACK_LOG_FORMAT: "text" });
      await scene.call("GET", "/connections/home?wait=10&since=1");
      for (const path of ["home", "by-url"]) await scene.call("POST", `/connections/${path}/reconnect`, {});
      const restored = broker.peers
        .slice(before)
        .flatMap(({ received: [packet] }) => (packet?.cmd === "connect" ? [String(packet.password)] : []));
      assert.ok(restored.includes(newPassword.text), "the password came back from the store");
      await scene.readEverything();
      second.signal("SIGTERM");
      assert.equal(await second.exited, 0, second.output());
      scene.readStore("after SIGTERM");
      assert.ok(second.output().includes('path="/connections/home"'), second.output());
      assert.deepEqual(scene.leaks([...secrets, wrong]), []);
    },
    { timeout: 60_000 },
  );

  it(
    "of attempts that fail at each stage, waited for or not",
    async () => {
      const stages = ["dns", "tcp", "tls", "websocket", "connack", "connack"] as const;
      const parrot = await startParrot();
      await using plain = await startScriptedBroker((peer) => {
        peer.onBytes = () => peer.sendBytes("SSH-2.0-x\r\n");
      });
      await using refusing = await startScriptedBroker(refuses(0x87));
      await using closing = await startScriptedBroker(async (peer) => {
        await peer.next("connect");
        peer.reset();
      });
      const secrets: Canary[] = [...own];
      const keep = (name: string, kind: "any" | "plain" = "any") => {
        const one = canary(name, kind);
        secrets.push(one);
        return one;
      };
      const targets: readonly string[] = [
        "mqtt://no-such-host.invalid",
        `mqtt://127.0.0.1:${await freePort()}`,
        `mqtts://127.0.0.1:${plain.port}`,
        `ws://127.0.0.1:${parrot.port}/mqtt`,
        refusing.url,
        closing.url,
      ];
      await using scene = new CanaryScene(headers);
      const program = await scene.start(environment);
      await scene.follow("/events");
      const sent: Canary[] = [];
      for (const [index, url] of targets.entries()) {
        const isWebsocket = url.startsWith("ws:");
        for (const query of ["", "?wait=0"]) {
          const name = `${url.slice(0, 5)} ${index}${query}`;
          const more = isWebsocket ? keep(`a header, ${name}`, "plain") : null;
          const signature = isWebsocket ? keep(`a signature, ${name}`, "plain") : null;
          const [username, password] = [keep(`username, ${name}`), keep(`password, ${name}`)];
          if (more !== null && signature !== null) sent.push(more, signature);
          if (index >= 4) sent.push(username, password);
          const request = {
            url: signature === null ? url : `${url}?X-Signature=${signature.text}`,
            username: username.text,
            password: password.text,
            ...(more === null ? {} : { websocket: { headers: { Authorization: `Bearer ${more.text}` } } }),
          };
          const answer = await scene.call("POST", `/connections${query}`, request);
          assert.equal(answer.status, query === "" ? 502 : 202, JSON.stringify(answer.body));
          if (query === "") assert.equal(answer.body.stage, stages[index], JSON.stringify(answer.body));
          else {
            // Until it has failed once.
            await scene.call("GET", `/connections/${answer.body.id}?wait=10&since=${answer.body.version}`);
          }
          await scene.call("POST", "/probe", request);
        }
      }
      const heard = [...refusing.peers, ...closing.peers].map(({ received: [packet] }) =>
        packet?.cmd === "connect" ? `${packet.username} ${String(packet.password)}` : "",
      );
      for (const one of sent) assertHeard(one, [...heard, ...parrot.heard].join("\n"));
      await scene.readEverything();
      program.signal("SIGKILL");
      await program.exited;
      scene.readStore("after kill -9");
      await parrot.close();
      assert.deepEqual(scene.leaks(secrets), []);
    },
    { timeout: 60_000 },
  );

  it(
    "of a client's private key, whether it is taken or not",
    async () => {
      const { ca, server, client, selfSigned } = await makeCertificates();
      const passphrase = canary("the passphrase");
      const wrongPassphrase = canary("a wrong passphrase");
      const { canary: number, encrypted } = keyOf(client.key, passphrase.text);
      const { canary: stranger } = keyOf(selfSigned.key, "x");
      const garbage = canary("a key that is none");
      await using broker = await startMosquitto({
        tls: { ca: ca.cert, cert: server.cert, key: server.key, requireCertificate: true },
      });
      await using scene = new CanaryScene(headers);
      const program = await scene.start(environment);
      const url = broker.url;
      const put = (id: string, tls: object) =>
        scene.call("PUT", `/connections/${id}`, { url, tls: { ca: ca.cert, ...tls } });
      const { cert } = client;
      const taken = await put("tls", { cert, key: encrypted, passphrase: passphrase.text });
      assert.equal(taken.status, 201, JSON.stringify(taken.body));
      assert.equal((await put("tls2", { cert, key: client.key })).status, 201);
      for (const tls of [
        { cert, key: encrypted, passphrase: wrongPassphrase.text },
        { cert, key: selfSigned.key },
        { cert, key: `-----BEGIN PRIVATE KEY-----\n${garbage.text}\n-----END PRIVATE KEY-----\n` },
        { cert, key: client.key, serverName: "not a name" },
        { key: client.key },
      ])
        assert.equal((await put("tls3", tls)).status, 422);
      // The broker's certificate is not accepted, nor ours by the broker.
      const untrusted = { url, tls: { cert, key: client.key } };
      assert.equal((await scene.call("POST", "/connections", untrusted)).status, 502);
      const foreign = { url, tls: { ca: ca.cert, cert: selfSigned.cert, key: selfSigned.key } };
      assert.equal((await scene.call("POST", "/connections", foreign)).status, 502);
      await scene.readEverything();
      program.signal("SIGKILL");
      await program.exited;
      scene.readStore("after kill -9");
      assert.deepEqual(scene.leaks([...own, number, stranger, passphrase, wrongPassphrase, garbage]), []);
    },
    { skip: needs("openssl", "mosquitto"), timeout: 60_000 },
  );

  it("of a request that is refused for something else", async () => {
    await using scene = new CanaryScene(headers);
    await scene.start(environment);
    const url = "mqtt://127.0.0.1:1";
    const secrets: Canary[] = [...own];
    const secret = (name: string, kind: "any" | "plain" = "any") => {
      const one = canary(name, kind);
      secrets.push(one);
      return one.text;
    };
    const post = (path: string, body: unknown, headers?: Record<string, string>) =>
      scene.call("POST", path, body, headers);
    const p = (name: string) => ({ url, username: secret(`username: ${name}`), password: secret(name) });
    const invalid: readonly object[] = [
      { ...p("a neighbour of keepAlive"), keepAlive: -1 },
      { ...p("a neighbour of an unknown field"), passwrod: secret("a misspelt password") },
      { ...p("in base64 that is none"), passwordEncoding: "base64" },
      { url, password: [secret("in a list")] },
      { url, username: { password: secret("in an object") } },
      { url, password: secret("without a username") },
      { url: `mqtt://u:${secret("in a URL without a port", "plain")}@127.0.0.1:99999` },
      { url: `mqtt://u:${secret("in a URL with a space", "plain")}@h ost` },
      { url: `${secret("instead of a scheme", "plain")}://u@host` },
      { url: `mqtt://u:%ff${secret("that is not UTF-8", "plain")}@127.0.0.1` },
      { url: `mqtt://127.0.0.1/${secret("in a path", "plain")}?${secret("in a query", "plain")}` },
      { url: `mqtt://u:${secret("twice", "plain")}@127.0.0.1`, username: "u", password: secret("again") },
      { url: "ws://h", websocket: { headers: { Authorization: `${secret("a header")}\r\nx: y` } } },
      { url: "ws://h", websocket: { headers: { Host: secret("a header that is reserved", "plain") } } },
      { url: "ws://h", username: "u\0", password: secret("a neighbour of NUL") },
      { ...p("properties"), properties: { authenticationData: secret("authentication without a method") } },
      { ...p("version"), protocolVersion: "3.1.1", properties: { authenticationMethod: "m" } },
    ];
    for (const body of invalid) {
      for (const path of ["/connections", "/probe"])
        assert.equal((await post(path, body)).status, 422, JSON.stringify(body));
    }
    const hook = { url: "http://127.0.0.1:9/x", events: ["*"] };
    for (const body of [
      { ...hook, secret: secret("a webhook's") },
      { ...hook, secret: `whsec_${secret("a webhook's that is too short", "plain").slice(0, 20)}` },
      { ...hook, secret: webhookSecretInto(secrets, "a neighbour of events").text, events: ["x"] },
      { ...hook, url: `http://u:${secret("in a webhook's URL", "plain")}@127.0.0.1` },
      { ...hook, url: `http://127.0.0.1:99999/${secret("in a webhook's path", "plain")}` },
    ])
      assert.equal((await post("/webhooks", body)).status, 422, JSON.stringify(body));
    for (const text of [
      `{"url": "${url}", "password": "${secret("in broken JSON", "plain")}"`,
      `{"password": ${secret("as a literal", "plain")}}`,
      `password=${secret("in a form", "plain")}`,
    ])
      assert.equal((await post("/connections", text)).status, 400);
    const form = `password=${secret("of another type", "plain")}`;
    assert.equal((await post("/connections", form, { "content-type": "text/plain" })).status, 415);
    const large = { ...p("in a large body"), labels: { x: "x".repeat(2_100_000) } };
    assert.equal((await post("/connections", large)).status, 413);
    const missing = await post("/connections/none/reconnect", {
      username: "u",
      password: secret("for nobody"),
    });
    assert.equal(missing.status, 404);
    // Where no secret belongs, and callers put them nevertheless.
    const bearer = {
      authorization: `Bearer ${secret("a token", "plain")}`,
      cookie: `s=${secret("a cookie", "plain")}`,
    };
    await scene.call("GET", "/connections", undefined, bearer);
    await scene.call("GET", `/connections?limit=${secret("in a query", "plain")}`, undefined, bearer);
    await scene.call("GET", `/events?ticket=${secret("a ticket", "plain")}`, undefined, bearer);
    await scene.readEverything();
    scene.readStore("while it runs");
    assert.deepEqual(scene.leaks(secrets), []);
  });

  it("of webhooks: their secrets sign, and their URLs are shown to their owners alone", async () => {
    const path = canary("a key in a webhook's path", "plain");
    const given = webhookSecret("the secret that was given");
    const rotated = webhookSecret("the secret after it");
    const password = canary("password");
    await using broker = await startScriptedBroker(accepts());
    await using good = await startEndpoint();
    await using bad = await startEndpoint((response, _request, received) => {
      // What some frameworks do in development.
      response
        .writeHead(500, { "x-said": received.headers["webhook-signature"] ?? "" })
        .end(JSON.stringify(received));
    });
    await using gone = await startEndpoint(status(302, { location: `http://127.0.0.1:9/${path.text}` }));
    await using scene = new CanaryScene(headers);
    const program = await scene.start(environment);
    const hooks = [good, bad, gone].map(({ url }) => ({
      url: `${url}/${path.text}?k=${path.text}`,
      events: ["*"],
    }));
    const created = await Promise.all(
      hooks.map((hook) => scene.call("POST", "/webhooks", { ...hook, secret: given.text })),
    );
    for (const { status: code, body } of created) {
      assert.equal(code, 201);
      assert.ok(!("secret" in body), "a secret that was given is not given back");
    }
    const generated = await generate(scene, hooks[0]);
    const request = { url: broker.url, username: "u", password: password.text };
    assert.equal((await scene.call("PUT", "/connections/home", request)).status, 201);
    const [id] = created.map(({ body }) => body.id);
    assert.equal((await scene.call("PATCH", `/webhooks/${id}`, { secret: rotated.text })).status, 200);
    assert.equal((await scene.call("POST", `/webhooks/${id}/test`)).status, 200);
    for (const endpoint of [good, bad, gone]) assertHeard(path, (await endpoint.nth(1)).path);
    await scene.readEverything();
    if (process.platform === "linux") scene.readProcess(program);
    program.signal("SIGKILL");
    await program.exited;
    scene.readStore("after kill -9");
    for (const endpoint of [good, bad, gone]) {
      for (const { text, headers } of endpoint.received)
        scene.outputs.push(["a delivery", `${JSON.stringify(headers)} ${text}`]);
    }
    assert.deepEqual(
      scene.leaks(
        [...own, given, rotated, generated, password],
        /^the answer to POST \/webhooks \(generated\)/,
      ),
      [],
    );
    const owners = /^the answer to (GET|POST|PATCH) \/webhooks|^connack\.db/;
    assert.deepEqual(scene.leaks([path], owners), []);
  });
}

describe("no secret comes out again", () => itLetsNoSecretOut(openMode()));
describe("no secret comes out again, with access control on", () => itLetsNoSecretOut(withAccessControl()));

function webhookSecretInto(secrets: Canary[], name: string): Canary {
  const one = webhookSecret(name);
  secrets.push(one);
  return one;
}

/** A webhook with a secret of Connack's own, which its answer shows this once. */
async function generate(scene: CanaryScene, hook: object | undefined): Promise<Canary> {
  const { body } = await scene.call("POST", "/webhooks", hook, { "idempotency-key": "generate" });
  assert.match(body.secret, /^whsec_/);
  const [, what = ""] = scene.outputs.pop() ?? [];
  scene.outputs.push(["the answer to POST /webhooks (generated)", what]);
  const bytes = Buffer.from(body.secret.slice(6), "base64");
  return canaryOfBytes("the secret that was generated", bytes, body.secret);
}
