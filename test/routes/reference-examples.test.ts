import assert from "node:assert/strict";
import { startDemoBroker } from "../../src/demo/broker.ts";
import type { Call, Example } from "../../routes/reference/call.ts";
import { calls } from "../../routes/reference/calls.ts";
import { pathOf } from "../../routes/reference/curl.ts";
import type { Document } from "../../routes/reference/document.ts";
import { adminToken } from "../support/access.ts";
import type { TestApp } from "../support/app.ts";
import { durablePlace } from "../support/durable-app.ts";
import { Checker, documentOf, itemsOf } from "../support/reference.ts";
import { describe, it } from "../support/test.ts";
import { withTokens } from "../support/tenants.ts";

/** What goes well a day after it went wrong, and not before: it is there all the same, and answers that it is not. */
const later = new Map([["POST /webhooks/{id}/deliveries/{delivery}/replay", 404]]);

/** Sends examples, and holds what is sent and what comes back against the document. */
class Trial {
  readonly #app: TestApp;
  readonly #document: Document;
  readonly #checker: Checker;
  readonly #broker: string;
  /** What of the answers before stands in later paths, by the beginning of those. */
  readonly #made = new Map<string, Record<string, string>>();

  constructor(app: TestApp, document: Document, broker: string) {
    this.#app = app;
    this.#document = document;
    this.#checker = new Checker(document);
    this.#broker = broker;
  }

  async send(name: string, call: Call, example: Example): Promise<void> {
    const where = `${name}: ${example.summary}`;
    const [method = "", path = ""] = name.split(" ");
    const { accept, type = "application/json", body } = example;
    const operation = this.#document.paths[path]?.[method.toLowerCase()];
    assert.ok(operation, where);
    if (body !== undefined) this.#checkBody(operation.requestBody?.content[type], body, where);
    const sent = typeof body === "string" ? body : JSON.stringify(body);
    using over = new DisposableStack();
    const controller = over.adopt(new AbortController(), (each) => each.abort());
    const response = await fetch(`${this.#app.url}${pathOf(name, example, this.#valuesOf(path))}`, {
      method,
      signal: controller.signal,
      headers: {
        ...(call.needs === "none" ? {} : { authorization: `Bearer ${adminToken}` }),
        ...(accept === undefined ? {} : { accept }),
        ...(body === undefined ? {} : { "content-type": type }),
      },
      ...(body === undefined ? {} : { body: sent.replaceAll("mqtt://127.0.0.1:1883", this.#broker) }),
    });
    const status = later.get(name) ?? example.status;
    assert.equal(
      response.status,
      status,
      response.status === status ? "" : `${where} ${await response.text()}`,
    );
    const shown = operation.responses[String(status)];
    assert.ok(shown, where);
    const given = response.headers.get("content-type")?.split(";")[0] ?? null;
    const { schema, "x-item-schema": items } = this.#contentOf(shown.content, given, where);
    if (accept !== undefined && items !== undefined) {
      // In lines, the first one says no more than that the stream is open.
      const most = given === "application/x-ndjson" ? 2 : 1;
      for (const item of await itemsOf(response, most)) this.#checker.check(items, item, where);
      return;
    }
    const text = await response.text();
    if (given !== null && /[/+]json$/.test(given)) {
      const value: unknown = JSON.parse(text);
      if (schema !== undefined) this.#checker.check(schema, value, where);
      this.#keep(path, value as Record<string, unknown>);
    } else if (items !== undefined)
      for (const line of text.trim().split("\n")) this.#checker.check(items, JSON.parse(line), where);
  }

  #checkBody(content: Readonly<Record<string, unknown>> | undefined, body: unknown, where: string): void {
    assert.ok(content, `${where}: a body of this type`);
    const { schema, "x-item-schema": items } = content;
    if (items === undefined) return this.#checker.check(schema, body, where);
    for (const line of String(body).trim().split("\n")) this.#checker.check(items, JSON.parse(line), where);
    return undefined;
  }

  #contentOf(
    content: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined,
    type: string | null,
    where: string,
  ): Readonly<Record<string, unknown>> {
    if (type === null) {
      assert.equal(content, undefined, where);
      return {};
    }
    // A payload has the type that its publisher says.
    const found = content?.[type] ?? content?.["application/octet-stream"];
    assert.ok(found, `${where}: ${type} is not in the document`);
    return found;
  }

  #valuesOf(path: string): Record<string, string> {
    const own = { delivery: "msg_0", ...this.#made.get("messages"), ...this.#made.get("outbox") };
    const [, first = ""] = path.split("/");
    return { ...own, ...(first === "connections" ? {} : this.#made.get(first)) };
  }

  #keep(path: string, value: Record<string, unknown>): void {
    const id = value["id"];
    if (/^\/(webhooks|tokens|stream-tickets)$/.test(path) && typeof id === "string")
      this.#made.set(path.slice(1), { id });
    if (path.endsWith("/publish") && typeof id === "string") this.#made.set("outbox", { message: id });
    if (path.endsWith("/messages"))
      this.#made.set("messages", { mid: (value["items"] as { id: string }[])[0]?.id ?? "" });
  }
}

describe("the reference", () => {
  it(
    "has examples that are as their schemas say, of which each comes to what it says",
    async () => {
      const broker = await startDemoBroker(0);
      await using place = durablePlace();
      const app = await place.start({ ...place.environment, ...withTokens });
      const trial = new Trial(app, await documentOf(app), `mqtt://127.0.0.1:${broker.port}`);
      const all = Object.entries(calls).flatMap(([name, call]) =>
        call.examples.map((example) => ({ name, call, example })),
      );
      for (const [name, { examples, success }] of Object.entries(calls)) {
        assert.ok(examples.length > 0, name);
        for (const { status } of examples) assert.ok(status in success, `${name} ${status}`);
      }
      const removes = ({ name }: { name: string }) => name.startsWith("DELETE");
      for (const { name, call, example } of all.filter((each) => !removes(each)))
        await trial.send(name, call, example);
      // What the others are about last.
      for (const { name, call, example } of all.filter(removes).toReversed())
        await trial.send(name, call, example);
      await app.stop();
      await broker.close();
    },
    { timeout: 60_000 },
  );
});
