import type { App } from "../context.ts";
import { calls } from "./calls.ts";
import { tags, type JsonSchema } from "./call.ts";
import { commonHeaders } from "./headers.ts";
import { operationOf, type Operation } from "./operation.ts";
import { declaredRoutes } from "./routes.ts";
import { schemasOf } from "./components.ts";

/** What Connack's interface is, as OpenAPI 3.1 has it. */
export interface Document {
  readonly openapi: "3.1.1";
  readonly info: Readonly<Record<string, unknown>>;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

const description =
  "An HTTP bridge to MQTT brokers. Errors are application/problem+json, with a `code` that /problems/{code} explains. " +
  "Where the server has tokens, a call needs one: in Authorization, by a session's cookie, or, for a stream, by a ticket. " +
  "HEAD is answered wherever GET is.";

const securitySchemes = {
  token: {
    type: "http",
    scheme: "bearer",
    description: "A token of POST /tokens, or a JWT of CONNACK_JWT_*.",
  },
  ticket: {
    type: "apiKey",
    in: "query",
    name: "ticket",
    description: "Of POST /stream-tickets; one path, GET.",
  },
  session: { type: "apiKey", in: "cookie", name: "__Host-connack", description: "Of POST /session." },
};

/** The document of an app's routes. Takes some milliseconds: it is made once. */
export function documentOf(app: App, version: string): Document {
  const declared = declaredRoutes(app);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [name, call] of Object.entries(calls)) {
    const [method = "", path = ""] = name.split(" ");
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = operationOf(name, call, declared.get(name) ?? null);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Connack",
      version,
      summary: "MQTT over HTTP",
      description,
      license: { name: "MIT", identifier: "MIT" },
    },
    tags: Object.entries(tags).map(([name, about]) => ({ name, description: about })),
    paths,
    components: { schemas: schemasOf(declared), headers: commonHeaders, securitySchemes },
  };
}
