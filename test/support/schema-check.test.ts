import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { SchemaCheck } from "./schema-check.ts";
import { describe, it } from "./test.ts";

const values: readonly unknown[] = [
  ...[null, true, 0, 1, 1.5, -1, "", "a", "2026-01-02T03:04:05.678Z", [], [1], ["a"], {}],
  ...[{ a: 1 }, { a: "a" }, { b: 1 }, { a: 1, b: 1 }, { a: 1, b: "b" }, { aa: 1 }, { a: { a: 1 } }],
];

const schemas: readonly Readonly<Record<string, unknown>>[] = [
  ...["null", "boolean", "integer", "number", "string", "array", "object"].map((type) => ({ type })),
  { type: ["string", "null"] },
  { const: "a" },
  { enum: ["a", 1, null] },
  { type: "number", minimum: 0, maximum: 1 },
  { type: "array", items: { type: "string" } },
  { type: "object", properties: { a: { type: "number" } }, required: ["a"], additionalProperties: false },
  { type: "object", properties: { a: { type: "number" } }, additionalProperties: {} },
  { type: "object", properties: { a: {} }, additionalProperties: { type: "string" } },
  { type: "object", additionalProperties: { type: "number" }, propertyNames: { enum: ["a", "b"] } },
  { anyOf: [{ type: "string" }, { type: "object", required: ["b"] }] },
  { $ref: "#/components/schemas/Self" },
];

const self = {
  type: "object",
  properties: { a: { anyOf: [{ type: "integer" }, { $ref: "#/components/schemas/Self" }] } },
  additionalProperties: false,
};

describe("SchemaCheck", () => {
  it("takes what another validator takes, and nothing else", () => {
    const check = new SchemaCheck({ Self: self });
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: "document", components: { schemas: { Self: self } } });
    for (const schema of schemas) {
      const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')));
      for (const value of values)
        assert.equal(
          check.difference(schema, value) === null,
          validate(value),
          `${JSON.stringify(schema)} ${JSON.stringify(value)}`,
        );
    }
  });

  it("takes no member that a schema does not name, unless that says so", () => {
    const check = new SchemaCheck({});
    const schema = { type: "object", properties: { a: { type: "object", properties: {} } } };
    assert.equal(check.difference(schema, { a: {} }), null);
    assert.equal(check.difference(schema, { a: { b: 1 } }), "/a/b is not in the document");
  });

  it("takes times for what they are, and does not pass over a keyword", () => {
    const check = new SchemaCheck({});
    const time = { type: "string", format: "date-time" };
    assert.equal(check.difference(time, "2026-01-02T03:04:05.678Z"), null);
    assert.match(check.difference(time, "yesterday") ?? "", /no time/);
    assert.throws(() => check.difference({ pattern: "a" }, "a"), /pattern is a keyword/);
  });
});
