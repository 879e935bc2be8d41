import type { JsonSchema } from "../../routes/reference/call.ts";
import { ofAnyCall } from "../../routes/reference/problem-groups.ts";
import type { Document } from "../../routes/reference/document.ts";
import type { Operation, ShownAnswer } from "../../routes/reference/operation.ts";
import { catalogue, type ProblemCode } from "../../src/problem-catalogue.ts";
import { SchemaCheck } from "./schema-check.ts";

/** An answer of an app, as far as it can be held against the document. */
export interface GivenAnswer {
  readonly method: string;
  /** As it was called, without the query. */
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  /** Null where the body is not JSON, or is not looked at. */
  readonly text: string | null;
}

interface Template {
  readonly path: string;
  readonly form: RegExp;
  readonly operations: Readonly<Record<string, Operation>>;
}

/** Written for who has gone: no caller ever sees it. */
const callerLeftStatus = 499;

/** Of HTTP and of browsers' safety: any answer may have them, and each has a test of its own. */
const ofHttp = new RegExp(
  `^(content-(type|length|disposition|security-policy)|cache-control|vary|date|connection|x-accel-buffering|${[
    "x-content-type-options|referrer-policy|cross-origin-resource-policy|strict-transport-security",
    "access-control-.*",
  ].join("|")})$`,
);

/** Says in what an answer is other than the document has it. */
export class AnswerRules {
  readonly #document: Document;
  readonly #check: SchemaCheck;
  readonly #templates: readonly Template[];

  constructor(document: Document) {
    this.#document = document;
    this.#check = new SchemaCheck(document.components.schemas);
    this.#templates = Object.entries(document.paths)
      .map(([path, operations]) => ({ path, operations, form: formOf(path) }))
      // Of two that fit, the one with less left open.
      .toSorted((one, other) => one.path.split("{").length - other.path.split("{").length);
  }

  /** Empty where it is as the document has it. */
  differences(given: GivenAnswer): readonly string[] {
    if (given.status === callerLeftStatus || isPreflight(given)) return [];
    const shown = this.#shownFor(given);
    if (typeof shown === "string") return [shown];
    return [...differentHeaders(given, shown, this.#document), ...this.#differentBody(given, shown)];
  }

  /** Of one item of a stream, whose answer has been looked at by itself. */
  differentItem(given: GivenAnswer, text: string): readonly string[] {
    const shown = this.#shownFor(given);
    if (typeof shown === "string") return [];
    const schema = shown.content?.[typeOf(given)]?.["x-item-schema"];
    return this.#differentJson(schema as JsonSchema | undefined, text);
  }

  /** What the document has, or why it has nothing. */
  #shownFor({ method, path, status, headers }: GivenAnswer): ShownAnswer | string {
    const fitting = this.#templates.filter(({ form }) => form.test(path));
    const name = (method === "HEAD" ? "GET" : method).toLowerCase();
    const operation = fitting.find(({ operations }) => name in operations)?.operations[name];
    if (operation !== undefined)
      return operation.responses[String(status)] ?? `the document has no ${status} there`;
    const allowed = fitting.flatMap(({ operations }) => Object.keys(operations));
    if (status === 405 && headers.get("allow") !== inOrder(allowed))
      return `Allow is ${headers.get("allow")}, and the document has ${inOrder(allowed)}`;
    const codes = ofAnyCall.filter((code) => catalogue[code].status === status);
    return refusalOf(fitting.length === 0 && status === 404 ? [...codes, "not-found"] : codes);
  }

  #differentBody(given: GivenAnswer, { content, "x-problems": codes }: ShownAnswer): readonly string[] {
    const type = typeOf(given);
    if (type === "") return content === undefined || given.method === "HEAD" ? [] : ["it has no body"];
    const media = content?.[type] ?? content?.["*/*"];
    if (media === undefined) {
      const known = Object.keys(content ?? {}).join(", ");
      return [`Content-Type is ${type}, and the document has ${known === "" ? "no body" : known}`];
    }
    if (given.text === null || given.method === "HEAD") return [];
    const found = this.#differentJson(media["schema"] as JsonSchema | undefined, given.text);
    if (found.length > 0 || type !== "application/problem+json") return found;
    const { code } = JSON.parse(given.text) as { code: string };
    return codes?.includes(code) === true ? [] : [`the document does not have the problem ${code} there`];
  }

  #differentJson(schema: JsonSchema | undefined, text: string): readonly string[] {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return [`no JSON: ${text.slice(0, 200)}`];
    }
    const found = schema === undefined ? null : this.#check.difference(schema, value);
    return found === null ? [] : [`${found}\n${text.slice(0, 2_000)}`];
  }
}

function formOf(path: string): RegExp {
  const literal = path.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

function inOrder(methods: readonly string[]): string {
  return [...new Set(methods.map((each) => each.toUpperCase()))].toSorted().join(", ");
}

/** To a browser that asks beforehand: not to a call. */
function isPreflight({ method, status, headers }: GivenAnswer): boolean {
  return method === "OPTIONS" && status === 204 && headers.has("access-control-allow-methods");
}

/** What is answered where there is no call: a problem that any call may be answered with. */
function refusalOf(codes: readonly ProblemCode[]): ShownAnswer | string {
  if (codes.length === 0) return "the document has no such call, and this is no answer of all";
  return {
    description: "",
    headers: { "Retry-After": {}, Allow: {}, "WWW-Authenticate": {} },
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    "x-problems": codes,
  };
}

function typeOf({ headers }: GivenAnswer): string {
  return headers.get("content-type")?.split(";")[0]?.toLowerCase() ?? "";
}

function differentHeaders({ headers }: GivenAnswer, shown: ShownAnswer, document: Document): string[] {
  const told = new Set(Object.keys(shown.headers).map((name) => name.toLowerCase()));
  for (const name of Object.keys(document.components.headers))
    if (name !== "Retry-After") told.add(name.toLowerCase());
  const untold = [...headers.keys()].filter((name) => !told.has(name) && !ofHttp.test(name));
  const found = untold.map((name) => `the document does not have the header ${name} there`);
  const later = headers.get("retry-after");
  return later === null || /^\d+$/.test(later) ? found : [...found, `Retry-After is ${later}`];
}
