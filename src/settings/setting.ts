import type { z } from "zod";

/** One setting: how it is parsed, what holds without it, and the sentence that the README's table shows. */
export interface Setting<T> {
  readonly schema: z.ZodType<T>;
  readonly fallback: T;
  readonly shownDefault?: string;
  readonly sentence: string;
  /** Whether a value must not be shown, not even a wrong one: it may be nearly right. */
  readonly secret?: boolean | ((text: unknown) => boolean);
}

export function setting<T>(
  schema: z.ZodType<T>,
  fallback: T,
  sentence: string,
  shownDefault?: string,
): Setting<T> {
  return shownDefault === undefined
    ? { schema, fallback, sentence }
    : { schema, fallback, sentence, shownDefault };
}
