import assert from "node:assert/strict";
import { startAedes } from "../support/aedes-broker.ts";
import { withAccessControl } from "../support/canary-modes.ts";
import { canaryOfBytes, type Canary } from "../support/canary.ts";
import { CanaryScene } from "../support/canary-scene.ts";
import { startMain } from "../support/program.ts";
import { describe, it } from "../support/test.ts";
import { startEndpoint } from "../support/webhook-endpoint.ts";

// What lets somebody in comes out once, in the answer to who asked for it, and nowhere else.

/** Of random bytes, which are looked for as they are, and as the text that stands for them. */
function canariesOf(name: string, text: string, random: string): readonly Canary[] {
  const bytes = Buffer.from(random, "base64url");
  assert.equal(bytes.length, 32, `${name}: ${random.length} characters`);
  return [
    canaryOfBytes(name, bytes, text),
    canaryOfBytes(`the text of ${name}`, Buffer.from(random, "latin1"), text),
  ];
}

describe("nothing that lets somebody in comes out again", () => {
  it(
    "the admin token, a token, a ticket, a session's cookie: used well, used wrongly, revoked, after kill -9",
    async () => {
      const { environment, headers: admin, own } = withAccessControl();
      await using broker = await startAedes();
      await using endpoint = await startEndpoint();
      await using scene = new CanaryScene(admin);
      const first = await scene.start(environment);
      await scene.follow("/events");

      const make = async (name: string) => {
        const scopes = ["connections:read", "connections:write", "publish", "subscribe"];
        const { status, body } = await scene.call("POST", "/tokens", { name, scopes });
        assert.equal(status, 201, JSON.stringify(body));
        return { id: String(body.id), text: String(body.token), random: String(body.token).slice(21) };
      };
      const [token, doomed] = [await make("that stays"), await make("that is revoked")];
      const caller = { authorization: `Bearer ${token.text}` };
      const leaving = { authorization: `Bearer ${doomed.text}` };
      const tokens = [
        ...canariesOf("the token", token.text, token.random),
        ...canariesOf("the revoked token", doomed.text, doomed.random),
      ];

      // Used well: connections, messages, a webhook that is told of all of it, streams.
      const hook = { url: endpoint.url, topics: ["#"], events: ["*"] };
      assert.equal((await scene.call("POST", "/webhooks", hook, caller)).status, 201);
      const request = { url: broker.url, subscriptions: [{ topicFilter: "a" }] };
      assert.equal((await scene.call("PUT", "/connections/home", request, caller)).status, 201);
      await endpoint.nth(2);
      const publish = { topic: "a", qos: 1, payload: "x" };
      const once = { ...caller, "idempotency-key": "k" };
      for (let time = 1; time <= 2; time += 1)
        assert.equal((await scene.call("POST", "/connections/home/publish", publish, once)).status, 200);

      const asked = { path: "/connections/home/events" };
      const ticket = await scene.call("POST", "/stream-tickets", asked, leaving);
      assert.equal(ticket.status, 201, JSON.stringify(ticket.body));
      const tickets = canariesOf("the ticket", ticket.body.ticket, ticket.body.ticket);
      await scene.follow(`${asked.path}?lastEventId=earliest&ticket=${ticket.body.ticket}`, {});
      await scene.follow("/connections/home/messages?format=ndjson", leaving);

      /** As a caller without the admin token does. */
      const bare = async (method: string, path: string, headers: Record<string, string> = {}) => {
        const response = await fetch(`${scene.url}${path}`, { method, headers });
        const head = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
        const place = `the answer to ${method} ${path.split("?")[0]} (${response.status})`;
        scene.outputs.push([place, `${head}\n\n${await response.text()}`]);
        return response;
      };
      const session = await bare("POST", "/session", caller);
      const [cookie = ""] = (session.headers.get("set-cookie") ?? "").split(";");
      const [, secret = ""] = cookie.split("=");
      const cookies = canariesOf("the session's cookie", cookie, secret);
      for (const path of ["/session", "/connections", "/connections/home", "/metrics"])
        assert.equal((await bare("GET", path, { cookie })).status, 200, path);
      const ownPage = { cookie, "sec-fetch-site": "same-origin" };
      assert.equal((await bare("POST", "/connections/home/ping", ownPage)).status, 200);

      // Used wrongly: refused, and not repeated.
      for (const [method, path, headers] of [
        ["GET", `/events?access_token=${token.text}`, {}],
        ["GET", `/connections?token=${token.text}`, caller],
        ["GET", `/connections/home?ticket=${ticket.body.ticket}`, {}],
        ["POST", `${asked.path}?ticket=${ticket.body.ticket}`, {}],
        ["GET", `${asked.path}?ticket=${ticket.body.ticket}`, caller],
        ["GET", "/connections", { authorization: `Basic ${btoa(`admin:${token.text}`)}` }],
        ["GET", "/connections", { authorization: `Bearer ${token.text}x` }],
        ["GET", "/connections", { authorization: token.text }],
      ] as const)
        assert.equal((await bare(method, path, headers)).status, 401, `${method} ${path.split("?")[0]}`);
      assert.equal((await bare("GET", "/tokens", caller)).status, 403);
      assert.equal((await bare("DELETE", `/tokens/${token.text}`, admin)).status, 404);
      assert.equal((await bare("DELETE", "/connections/home", { cookie })).status, 403);

      // On the command line, which everybody on the machine can read.
      await using command = startMain(environment, ["token", "list", "--json", "--server", scene.url]);
      assert.equal(await command.exited, 0, command.output());
      scene.outputs.push(["connack token list", command.output()]);
      if (process.platform === "linux") scene.readProcess(first);

      assert.equal((await scene.call("DELETE", `/tokens/${doomed.id}`)).status, 204);
      assert.equal((await bare("GET", "/connections", leaving)).status, 401);
      await scene.call("GET", "/tokens");
      await scene.readEverything();
      first.signal("SIGKILL");
      await first.exited;
      scene.readStore("after kill -9");

      const second = await scene.start({ ...environment, CONNACK_LOG_FORMAT: "text" });
      assert.equal((await bare("GET", "/connections", caller)).status, 200, "the token came back");
      assert.equal((await bare("GET", "/connections", leaving)).status, 401);
      await scene.call("GET", "/tokens");
      await scene.readEverything();
      second.signal("SIGTERM");
      assert.equal(await second.exited, 0, second.output());
      scene.readStore("after SIGTERM");
      assert.ok(second.output().includes('path="/connections"'), second.output());
      for (const { text, headers } of endpoint.received)
        scene.outputs.push(["a delivery", `${JSON.stringify(headers)} ${text}`]);
      assert.ok(endpoint.received.length >= 2);

      const at = (path: string) => new RegExp(`^the answer to POST ${path} \\(201\\)`);
      assert.ok(scene.leaks(tokens).length >= 2, "the answers were searched");
      assert.deepEqual(scene.leaks(own), []);
      assert.deepEqual(scene.leaks(tokens, at("/tokens")), []);
      assert.deepEqual(scene.leaks(tickets, at("/stream-tickets")), []);
      assert.deepEqual(scene.leaks(cookies, at("/session")), []);
    },
    { timeout: 60_000 },
  );
});
