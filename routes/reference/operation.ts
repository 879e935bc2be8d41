import { z } from "zod";
import { catalogue, type ProblemCode } from "../../src/problem-catalogue.ts";
import type { Call, Content, JsonSchema, Success } from "./call.ts";
import { answerHeaders, commonHeaders, problemHeaders, requestHeaders } from "./headers.ts";
import { parameters, publishParameters, type Parameter } from "./parameters.ts";
import { problemsOf } from "./problem-groups.ts";
import { bodyOf, type Body } from "./request-body.ts";
import type { Declared } from "./routes.ts";

/** A parameter of a call, as the document has it. */
export interface ShownParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
}

/** An answer, as the document has it; `x-problems` are codes. */
export interface ShownAnswer {
  readonly description: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, JsonSchema>>;
  readonly "x-problems"?: readonly string[];
}

/** A call, as the document has it. */
export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly ShownParameter[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, ShownAnswer>>;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
}

/** `name` is that of the call, as `GET /connections/{id}`. */
export function operationOf(name: string, call: Call, declared: Declared | null): Operation {
  const { id, tag, summary, description } = call;
  const needed = { none: "No token is needed.", any: "Needs a token, whatever its scopes." };
  const scope = call.needs === "none" || call.needs === "any" ? needed[call.needs] : null;
  const body = bodyOf(call, declared);
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: `${description}\n\n${scope ?? `Needs the scope \`${call.needs}\`.`}`,
    parameters: parametersOf(name, call, declared),
    ...(body === null ? {} : { requestBody: body }),
    responses: { ...successesOf(call), ...failuresOf(name, call) },
    security: securityOf(call),
  };
}

function securityOf({ needs, ticket }: Call): Operation["security"] {
  if (needs === "none") return [];
  const scopes = needs === "any" ? [] : [needs];
  return [{ token: scopes }, { session: [] }, ...(ticket === true ? [{ ticket: [] }] : [])];
}

function parametersOf(name: string, { id, headers = [] }: Call, declared: Declared | null): ShownParameter[] {
  const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, each = ""]) => each);
  const path = fieldsOf(declared?.params ?? null);
  const query = fieldsOf(declared?.query ?? null);
  const shown = (
    place: "path" | "query",
    each: string,
    own: JsonSchema,
    required: boolean,
  ): ShownParameter => {
    const { description, schema } = parameters[`${name} ${each}`] ?? parameters[each] ?? unknownParameter;
    return { name: each, in: place, required, description, schema: schema ?? own };
  };
  return [
    ...inPath.map((each) => shown("path", each, path.properties[each] ?? { type: "string" }, true)),
    ...Object.entries(query.properties).map(([each, own]) =>
      shown("query", each, own, query.required.includes(each)),
    ),
    ...(id === "publish" ? publishQuery() : []),
    ...headers.flatMap((each): ShownParameter[] =>
      each === "Mqtt-*"
        ? publishHeaders()
        : [{ name: each, in: "header", required: false, ...requestHeaders[each] }],
    ),
  ];
}

/** A test finds it. */
const unknownParameter: Parameter = { description: "" };

function publishQuery(): ShownParameter[] {
  return Object.entries(publishParameters).map(([name, { description, schema = {} }]) => ({
    name,
    in: "query",
    required: false,
    description,
    schema,
  }));
}

/** Those options of a raw publish that a header may give, too. */
function publishHeaders(): ShownParameter[] {
  const options = publishQuery().filter(({ name }) => !["topic", "wait", "queue"].includes(name));
  return options.map(({ name, schema }) => ({
    name: `Mqtt${name.replaceAll(/^[a-z]|[A-Z]/g, (letter) => `-${letter.toUpperCase()}`)}`,
    in: "header",
    required: false,
    description: `As ?${name}=, which wins; percent-encoded where it is not ASCII.`,
    schema,
  }));
}

/** The fields of what a route reads from its path or query, with those that must be there. */
function fieldsOf(schema: z.ZodType | null): { properties: Record<string, JsonSchema>; required: string[] } {
  if (schema === null) return { properties: {}, required: [] };
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return { properties: properties as Record<string, JsonSchema>, required };
}

const common = Object.fromEntries(
  Object.keys(commonHeaders).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
);
const { "Retry-After": retryAfter, ...ofAll } = common;

function successesOf({ success }: Call): Record<string, ShownAnswer> {
  return Object.fromEntries(Object.entries(success).map(([status, one]) => [status, successOf(one)]));
}

function successOf({ description, schema, content, headers = [] }: Success): ShownAnswer {
  const all = content ?? (schema === undefined ? null : { "application/json": { schema } });
  return {
    description,
    headers: { ...Object.fromEntries(headers.map((name) => [name, answerHeaders[name]])), ...ofAll },
    ...(all === null
      ? {}
      : {
          content: Object.fromEntries(Object.entries(all).map(([type, one]) => [type, mediaOf(type, one)])),
        }),
  };
}

const refer = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** Streams are texts, of which `x-item-schema` says what each event's data, or each line, is. */
function mediaOf(type: string, { schema, items }: Content): JsonSchema {
  if (items !== undefined)
    return { schema: { type: "string" }, "x-item-schema": { anyOf: items.map(refer) } };
  if (schema !== undefined) return { schema: refer(schema) };
  return type.includes("json") ? { schema: { type: "object" } } : {};
}

function failuresOf(name: string, call: Call): Record<string, ShownAnswer> {
  const byStatus = Map.groupBy(problemsOf(name, call), (code) => catalogue[code].status);
  const own = Object.keys(call.success);
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => !own.includes(String(status)))
      .map(([status, codes]) => {
        const description = codes.map((code) => `\`${code}\`: ${catalogue[code].title}.`).join(" ");
        const content = { "application/problem+json": { schema: refer("Problem") } };
        return [status, { description, headers: headersOf(call, codes), content, "x-problems": codes }];
      }),
  );
}

/** Of an answer that tells of one of these problems. */
function headersOf({ headers = [] }: Call, codes: readonly ProblemCode[]): Record<string, unknown> {
  const later = codes.some((code) => catalogue[code].retryable);
  const names = codes.flatMap((code) => problemHeaders[code] ?? []);
  if (headers.includes("Prefer")) names.push("Preference-Applied");
  if (headers.includes("Idempotency-Key")) names.push("Idempotent-Replayed");
  return {
    ...Object.fromEntries(names.map((each) => [each, answerHeaders[each]])),
    ...(later ? { "Retry-After": retryAfter } : {}),
  };
}
