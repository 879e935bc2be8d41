import type { App } from "../context.ts";
import type { z } from "zod";

/** What a route reads, as it checks it. */
export interface Declared {
  readonly params: z.ZodType | null;
  readonly query: z.ZodType | null;
  readonly body: { readonly schema: z.ZodType; readonly required: boolean } | null;
}

interface Declaration {
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema?: unknown } | undefined>>;
  };
}

/** The routes that declare what they read, by method and path. */
export function declaredRoutes(app: App): ReadonlyMap<string, Declared> {
  const found = new Map<string, Declared>();
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { method, path, request = {} } = definition.route;
    const { params, query, body } = request as Declaration;
    const schema = body?.content["application/json"]?.schema as z.ZodType | undefined;
    found.set(`${method.toUpperCase()} ${path}`, {
      params: params ?? null,
      query: query ?? null,
      body: schema === undefined ? null : { schema, required: body?.required === true },
    });
  }
  return found;
}
