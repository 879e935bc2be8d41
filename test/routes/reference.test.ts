import assert from "node:assert/strict";
import { catalogue } from "../../src/problem-catalogue.ts";
import { calls } from "../../routes/reference/calls.ts";
import { fields } from "../../routes/reference/fields.ts";
import { parameters } from "../../routes/reference/parameters.ts";
import type { Document } from "../../routes/reference/document.ts";
import type { Operation } from "../../routes/reference/operation.ts";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { callsOfReadme, callsOfSources } from "../support/calls-of-sources.ts";
import { Checker, documentOf } from "../support/reference.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { callerOf, withTokens } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";

function operationsOf({ paths }: Document): readonly (readonly [string, Operation])[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  );
}

/** All that is referred to, wherever it stands. */
function referencesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) =>
    name === "$ref" && typeof each === "string" ? [each] : referencesIn(each),
  );
}

function find(document: Document, reference: string): unknown {
  let at: unknown = document;
  for (const name of reference.replace(/^#\//, "").split("/")) at = (at as Record<string, unknown>)?.[name];
  return at;
}

describe("GET /openapi.json", () => {
  it("has every call that is served, and no other", async () => {
    await using app = await startApp();
    const names = operationsOf(await documentOf(app)).map(([name]) => name);
    assert.deepEqual(names.toSorted(), callsOfSources());
  });

  it("needs no token, is the same each time, and says the version", async () => {
    await using app = await startApp(withTokens);
    const [first, again] = [await app.call("GET", "/openapi.json"), await app.call("GET", "/openapi.json")];
    assert.equal(first.status, 200);
    assert.equal(first.headers.get("content-type"), "application/json");
    assert.equal(first.text, again.text);
    assert.deepEqual([first.body.openapi, first.body.info.version], ["3.1.1", "0.0.0-test"]);
  });

  it("is well formed: ids once, references to what there is, parameters of paths", async () => {
    await using app = await startApp();
    const document = await documentOf(app);
    const operations = operationsOf(document);
    const ids = operations.map(([, { operationId }]) => operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const reference of referencesIn(document))
      assert.ok(reference.startsWith("#/") && find(document, reference) !== undefined, reference);
    const tags = new Set(document.tags.map(({ name }) => name));
    const schemes = Object.keys(document.components.securitySchemes);
    for (const [name, operation] of operations) {
      assert.ok(operation.tags.length === 1 && operation.tags.every((tag) => tags.has(tag)), name);
      assert.ok(operation.summary.length > 0 && operation.description.length > 20, name);
      const inPath = operation.parameters.filter((one) => one.in === "path");
      const wanted = [...name.matchAll(/\{(\w+)\}/g)].map(([, each = ""]) => each);
      assert.deepEqual(inPath.map((one) => one.name).toSorted(), wanted.toSorted(), name);
      assert.ok(
        inPath.every(({ required }) => required),
        name,
      );
      const places = operation.parameters.map((one) => `${one.in} ${one.name}`);
      assert.equal(new Set(places).size, places.length, name);
      // Of these headers parameters are ignored: bodies, answers and security say what there is to them.
      for (const one of operation.parameters)
        assert.doesNotMatch(one.name, /^(accept|content-type|authorization)$/i);
      for (const one of operation.parameters)
        assert.ok(one.description !== "" && Object.keys(one.schema).length > 0, `${name} ${one.name}`);
      for (const each of operation.security) assert.ok(schemes.includes(Object.keys(each)[0] ?? ""), name);
      assert.ok(
        Object.keys(operation.responses).some((status) => status.startsWith("2")),
        name,
      );
    }
  });

  it("has schemas that a validator takes", async () => {
    await using app = await startApp();
    const document = await documentOf(app);
    const checker = new Checker(document);
    for (const name of Object.keys(document.components.schemas))
      assert.throws(
        // No schema takes this; one that cannot be read is another error.
        () => checker.check({ allOf: [{ $ref: `#/components/schemas/${name}` }, false] }, 0, name),
        /boolean schema is false/,
      );
  });

  it("says what each field of a body means, and of no other", async () => {
    await using app = await startApp();
    const { components } = await documentOf(app);
    for (const [name, meanings] of Object.entries(fields)) {
      const { properties } = components.schemas[name] as { properties: Record<string, object> };
      assert.deepEqual(Object.keys(meanings).toSorted(), Object.keys(properties).toSorted(), name);
    }
    const bodies = Object.values(calls).flatMap(({ body }) => (body === undefined ? [] : [body]));
    assert.deepEqual([...new Set(bodies)].toSorted(), Object.keys(fields).toSorted());
  });

  it("explains no parameter that no call has", async () => {
    await using app = await startApp();
    const used = new Set(
      operationsOf(await documentOf(app)).flatMap(([call, operation]) =>
        operation.parameters.flatMap(({ name }) => [name, `${call} ${name}`]),
      ),
    );
    assert.deepEqual(
      Object.keys(parameters).filter((name) => !used.has(name)),
      [],
    );
  });

  it("has each problem with its status, and each code of the catalogue somewhere", async () => {
    await using app = await startApp();
    const seen = new Set<string>();
    for (const [name, { responses }] of operationsOf(await documentOf(app)))
      for (const [status, { "x-problems": codes = [] }] of Object.entries(responses))
        for (const code of codes) {
          seen.add(code);
          assert.equal(String(catalogue[code as keyof typeof catalogue].status), status, `${name} ${code}`);
        }
    // Not answered by themselves: a probe tells of it within its answer.
    const missing = Object.keys(catalogue).filter((code) => !seen.has(code));
    assert.deepEqual(missing, ["round-trip-failed"]);
  });

  it("has the scope that a call needs, as the README has it, which is tried", () => {
    const needed = [...callsOfReadme()].flatMap(([scope, names]) =>
      names.map((name) => [name, scope === "no token" ? "none" : scope] as const),
    );
    assert.deepEqual(
      Object.fromEntries(Object.entries(calls).map(([name, { needs }]) => [name, needs])),
      Object.fromEntries(needed),
    );
  });

  it("has the bounds of parameters as they are", async () => {
    await using app = await startApp(withTokens);
    const caller = await callerOf(app, { scopes: ["admin"] });
    let tried = 0;
    for (const [call, { parameters: all, operationId }] of operationsOf(await documentOf(app))) {
      // Read by hand, after the connection is found: tested where that is.
      if (operationId === "publish") continue;
      const [method = "", path = ""] = call.split(" ");
      const isTaken = async (name: string, value: unknown) => {
        const query = new URLSearchParams({ [name]: String(value) }).toString();
        const format = call === "GET /events" ? "&format=json" : "";
        const target = `${path.replaceAll(/\{\w+\}/g, "none")}?${query}${name === "format" ? "" : format}`;
        const sent = method === "POST" || method === "PUT" ? {} : undefined;
        const { body } = await caller.call(method, target, sent, { accept: "application/json" });
        return body?.errors?.some((error: { parameter?: string }) => error.parameter === name) !== true;
      };
      for (const { name, in: place, schema } of all) {
        if (place !== "query" || (call === "GET /events" && name === "format")) continue;
        const {
          minimum,
          maximum,
          enum: values = [],
        } = schema as {
          minimum?: number;
          maximum?: number;
          enum?: unknown[];
        };
        for (const value of values) assert.ok(await isTaken(name, value), `${call} ${name} ${String(value)}`);
        if (values.length > 0) assert.ok(!(await isTaken(name, "zzz")), `${call} ${name} zzz`);
        if (minimum === undefined || maximum === undefined) continue;
        tried += 1;
        for (const value of [minimum, maximum])
          assert.ok(await isTaken(name, value), `${call} ${name} ${value}`);
        for (const value of [minimum - 1, maximum + 1])
          assert.ok(!(await isTaken(name, value)), `${call} ${name} ${value}`);
      }
    }
    assert.ok(tried >= 20, `${tried} tried`);
  });

  it("has the bounds of a raw publish as they are, in the query and in headers", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    assert.equal((await app.open({ id: "a", url: broker.url })).status, 201);
    const { paths } = await documentOf(app);
    const { parameters: all = [] } = paths["/connections/{id}/publish"]?.["post"] ?? {};
    const isTaken = async (place: string, name: string, value: unknown) => {
      const query = new URLSearchParams(
        place === "query" ? { topic: "a", [name]: String(value) } : { topic: "a" },
      );
      const headers: Record<string, string> = place === "header" ? { [name]: String(value) } : {};
      const { body } = await app.call("POST", `/connections/a/publish?${query.toString()}`, "1", headers);
      return body.errors?.some((error: { parameter?: string }) => error.parameter === name) !== true;
    };
    let tried = 0;
    for (const { name, in: place, schema } of all) {
      const { minimum, maximum } = schema as { minimum?: number; maximum?: number };
      if (minimum === undefined || maximum === undefined || name === "queue") continue;
      tried += 1;
      for (const value of [minimum - 1, maximum + 1])
        assert.ok(!(await isTaken(place, name, value)), `${place} ${name} ${value}`);
      // The broker has announced no topic aliases, which is another error of the same name.
      if (/alias/i.test(name)) continue;
      for (const value of [minimum, maximum])
        assert.ok(await isTaken(place, name, value), `${name} ${value}`);
    }
    assert.equal(tried, 7);
  });
});
