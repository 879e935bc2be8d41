import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Document } from "../../routes/reference/document.ts";
import type { TestApp } from "./app.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The document that an app serves. */
export async function documentOf(app: TestApp): Promise<Document> {
  const { status, body, text } = await app.call("GET", "/openapi.json");
  assert.equal(status, 200, text);
  return body as Document;
}

/**
 * Checks values against schemas of the document. Answers strictly: a member that no schema has is wrong, though callers
 * are to be ready for new ones.
 */
export class Checker {
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  readonly #known = new Map<string, ValidateFunction>();

  constructor({ components }: Document) {
    const closed = JSON.parse(JSON.stringify(components.schemas)) as Json;
    close(closed);
    this.#ajv.addSchema({ $id: "document", components: { schemas: closed } });
  }

  /** `schema` is one that stands in the document. */
  check(schema: unknown, value: unknown, where: string): void {
    const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
    let validate = this.#known.get(text);
    if (validate === undefined) {
      validate = this.#ajv.compile(JSON.parse(text) as object);
      this.#known.set(text, validate);
    }
    const shown = JSON.stringify(value).slice(0, 2_000);
    assert.ok(validate(value), `${where}: ${this.#ajv.errorsText(validate.errors)}\n${shown}`);
  }
}

function close(schema: Json): void {
  if (typeof schema !== "object" || schema === null) return;
  if (!Array.isArray(schema) && schema["type"] === "object" && "properties" in schema)
    schema["additionalProperties"] ??= false;
  for (const each of Object.values(schema)) close(each);
}

/** The items of a stream: all of them, or the first `most`. */
export async function itemsOf(response: Response, most = Infinity): Promise<readonly unknown[]> {
  const isSse = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const form = isSse ? /^data: ?(.*)\n/gm : /^(\{.*\})\n/gm;
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if ([...text.matchAll(form)].length >= most) break;
  }
  return [...text.matchAll(form)].slice(0, most).map(([, json = ""]) => JSON.parse(json) as unknown);
}
