import assert from "node:assert/strict";
import type { Document } from "../../routes/reference/document.ts";
import { startApp, type Answer } from "../support/app.ts";
import { adminToken } from "../support/access.ts";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { Checker, documentOf, itemsOf } from "../support/reference.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { callerOf, withTokens } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";

/** Holds an answer against what the document has for its call and status. */
function assertDocumented(document: Document, checker: Checker, name: string, answer: Answer): void {
  const where = `${name} ${answer.status}`;
  const [method = "", path = ""] = name.split(" ");
  const shown = document.paths[path]?.[method.toLowerCase()]?.responses[String(answer.status)];
  assert.ok(shown, `${where}: ${answer.text}`);
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  const content = shown.content?.[type];
  assert.ok(content, `${where}: ${type}`);
  checker.check(content["schema"], answer.body, where);
  if (answer.status >= 400 && type === "application/problem+json")
    assert.ok(shown["x-problems"]?.includes(answer.body.code), `${where}: ${answer.body.code}`);
  const told = new Set(Object.keys(shown.headers).map((header) => header.toLowerCase()));
  const own = ["etag", "location", "link", "retry-after", "preference-applied", "ratelimit", "x-request-id"];
  for (const header of own.filter((each) => answer.headers.has(each) && answer.status < 400))
    assert.ok(told.has(header), `${where}: ${header}`);
}

describe("the reference's answers", () => {
  it("are those that come: views, pages, and problems", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using refusing = await startScriptedBroker(refuses(0x86));
    await using app = await startApp(withTokens);
    const document = await documentOf(app);
    const checker = new Checker(document);
    const statuses = new Set<string>();
    const call = async (
      name: string,
      path: string,
      body?: unknown,
      headers: Record<string, string> = { authorization: `Bearer ${adminToken}` },
    ) => {
      const answer = await app.call(name.split(" ")[0] ?? "", path, body, headers);
      assertDocumented(document, checker, name, answer);
      statuses.add(`${name} ${answer.status}`);
      return answer;
    };
    const open = "POST /connections";
    await call(open, "/connections", { id: "a", url: broker.url, will: { topic: "w", payload: "x" } });
    await call(open, "/connections", { id: "a", url: broker.url });
    await call(open, "/connections", { url: refusing.url });
    await call(open, "/connections", { url: "mqtt://169.254.169.254" });
    await call(open, "/connections", { url: broker.url, unknown: 1 });
    await call(open, "/connections", "{");
    await call(open, "/connections", { url: broker.url }, {});
    await call(open, "/connections?wait=0", { id: "failed", url: refusing.url });
    // Without a version it would wait for the next one, of which there is none if it has failed already.
    for (let query = ""; ;) {
      const { body } = await call("GET /connections/{id}", `/connections/failed${query}`);
      if (body.state === "failed") break;
      query = `?wait=20&since=${body.version}`;
    }
    await call("PUT /connections/{id}", "/connections/a", { url: broker.url, keepAlive: 7 });
    const page = await call("GET /connections", "/connections?limit=1");
    assert.ok(page.headers.has("link"));
    await call("GET /connections/{id}", "/connections/none");
    await call("GET /connections/{id}/events", "/connections/failed/events?format=json");
    await call("GET /events", "/events?format=json&after=unknown-1");
    await call("POST /connections/{id}/publish", "/connections/failed/publish?topic=a&qos=1", "1");
    await call("POST /connections/{id}/publish", "/connections/a/publish?topic=a%2B%23");
    await call("POST /connections/{id}/publish", "/connections/a/publish", [{ topic: "a" }, { topic: "#" }]);
    await call("POST /probe", "/probe", { url: broker.url });
    await call("POST /probe", "/probe", { url: refusing.url });
    await call("GET /connections/{id}/messages/{mid}/payload", "/connections/a/messages/none/payload");
    const { body: hook } = await call("POST /webhooks", "/webhooks", {
      url: "http://127.0.0.1:9/hook",
      events: ["*"],
      enabled: false,
    });
    await call("POST /webhooks", "/webhooks", { url: "http://127.0.0.1:9/hook" });
    await call("POST /webhooks/{id}/test", `/webhooks/${hook.id}/test`);
    await call("GET /webhooks/{id}/deliveries", `/webhooks/${hook.id}/deliveries`);
    await call("GET /webhooks/{id}", `/webhooks/${hook.id}`);
    await call("POST /tokens", "/tokens", { name: "", scopes: [] });
    await call("DELETE /tokens/{id}", "/tokens/admin");
    await call("GET /readyz", "/readyz");
    await call("GET /readyz", "/readyz", undefined, {});
    await call("DELETE /connections/{id}", "/connections/failed");
    assert.ok(statuses.size >= 28, [...statuses].join(", "));
  });

  it("are those that come in streams, in either form, with gaps and ends", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp(withTokens);
    const document = await documentOf(app);
    const checker = new Checker(document);
    const caller = await callerOf(app);
    const opened = await caller.call("POST", "/connections", { id: "a", url: broker.url });
    assert.equal(opened.status, 201, opened.text);
    const types = new Set<unknown>();
    const paths = ["/events", "/connections/{id}/events", "/connections/{id}/messages"];
    const streams = paths.flatMap((path) =>
      ["text/event-stream", "application/x-ndjson"].map(async (accept) => {
        const response = await fetch(`${app.url}${path.replace("{id}", "a")}`, {
          headers: { ...caller.headers, accept, "last-event-id": "unknown-1" },
        });
        assert.equal(response.status, 200);
        const shown = document.paths[path]?.["get"]?.responses["200"];
        const items = shown?.content?.[accept]?.["x-item-schema"];
        return { response, items, where: `${path} ${accept}` };
      }),
    );
    const all = await Promise.all(streams);
    await caller.revoke();
    for (const { response, items, where } of all)
      for (const item of await itemsOf(response)) {
        checker.check(items, item, where);
        types.add((item as { type?: unknown }).type);
      }
    assert.deepEqual(
      ["connected", "gap", "open", "snapshot", "unauthorized"].filter((type) => !types.has(type)),
      [],
    );
  });
});
