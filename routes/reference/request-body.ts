import type { Call, Example, JsonSchema } from "./call.ts";
import type { Declared } from "./routes.ts";

/** What one sends, as the document has it. */
export interface Body {
  readonly required: boolean;
  readonly description?: string;
  readonly content: Readonly<Record<string, JsonSchema>>;
}

/** The body of a call; null where it reads none. */
export function bodyOf({ id, body, examples }: Call, declared: Declared | null): Body | null {
  if (body === undefined) return null;
  const schema = { $ref: `#/components/schemas/${body}` };
  if (id === "publish") return publishBody(schema, examples);
  return {
    required: declared?.body?.required ?? false,
    content: { "application/json": { schema, ...shown(examples.filter((each) => each.body !== undefined)) } },
  };
}

/** Which form it is in is told by ?topic= and the media type. */
function publishBody(message: JsonSchema, examples: readonly Example[]): Body {
  const of = (wanted: string) => examples.filter(({ type = "application/json" }) => type === wanted);
  return {
    required: false,
    description:
      "With ?topic= the payload, of any type; without it a message or an array of messages in JSON, or a message a line.",
    content: {
      "application/json": {
        schema: { anyOf: [message, { type: "array", items: message, minItems: 1, maxItems: 1_000 }] },
        ...shown(of("application/json")),
      },
      "application/x-ndjson": {
        schema: { type: "string" },
        "x-item-schema": message,
        ...shown(of("application/x-ndjson")),
      },
      "text/plain": { schema: { type: "string" }, ...shown(of("text/plain")) },
      "application/octet-stream": {},
    },
  };
}

function shown(examples: readonly Example[]): JsonSchema {
  if (examples.length === 0) return {};
  const named = examples.map(({ summary, body }, index) => [`example${index + 1}`, { summary, value: body }]);
  return { examples: Object.fromEntries(named) };
}
