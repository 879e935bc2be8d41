import { z } from "zod";
import { calls } from "./calls.ts";
import type { Call, JsonSchema } from "./call.ts";
import { fields } from "./fields.ts";
import type { Declared } from "./routes.ts";
import { answerSchemas } from "./schemas.ts";

const place = "#/components/schemas/";
/** Where what contains itself is put, which is JSON values alone. */
const shared = /#\/components\/schemas\/__shared#\/\$defs\/\w+/g;

/** The schemas of answers, and of bodies: those that check. All by their names in the document. */
export function schemasOf(declared: ReadonlyMap<string, Declared>): Record<string, JsonSchema> {
  const named = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(answerSchemas)) named.add(schema, { id });
  for (const [name, { body: id }] of Object.entries<Call>(calls)) {
    const schema = declared.get(name)?.body?.schema;
    if (id !== undefined && schema !== undefined && !named.has(schema)) named.add(schema, { id });
  }
  const options = { io: "input", unrepresentable: "any", uri: (id: string) => place + id } as const;
  const made = JSON.stringify(z.toJSONSchema(named, options).schemas);
  const { __shared, ...schemas } = JSON.parse(made.replaceAll(shared, `${place}JsonValue`)) as Made;
  const [json] = Object.values(__shared?.$defs ?? {});
  const all = json === undefined ? schemas : { ...schemas, JsonValue: json };
  return Object.fromEntries(Object.entries(all).map(([id, schema]) => [id, described(id, schema)]));
}

type Made = Record<string, JsonSchema> & {
  readonly __shared?: { readonly $defs?: Record<string, JsonSchema> };
};

/** With what its fields mean; in the document it needs neither an id nor a dialect of its own. */
function described(id: string, schema: JsonSchema): JsonSchema {
  const { $schema: _schema, $id: _id, properties, ...rest } = schema;
  if (properties === undefined) return rest;
  const meanings = fields[id] ?? {};
  const members = Object.entries(properties as Record<string, JsonSchema>).map(([name, member]) => {
    const description = meanings[name];
    return [name, description === undefined ? member : { ...member, description }];
  });
  return { ...rest, properties: Object.fromEntries(members) };
}
