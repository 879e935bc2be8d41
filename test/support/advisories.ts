/** What the advisory service says of what we depend on. */
export type Advice =
  | { readonly type: "unreachable"; readonly why: string }
  | {
      readonly type: "told";
      /** High or critical, of what is needed at run time. */
      readonly grave: readonly string[];
      readonly others: readonly string[];
    };

/**
 * Reads the output of `bun audit --json`: advisories by package. What is no JSON is what the client says when the service
 * could not be asked, in whatever words.
 */
export function readAdvice(stdout: string, stderr: string, runtime: ReadonlySet<string>): Advice {
  const byPackage = parsed(stdout);
  if (byPackage === null) return { type: "unreachable", why: firstError(`${stderr}\n${stdout}`) };
  const grave: string[] = [];
  const others: string[] = [];
  for (const [name, advisories] of Object.entries(byPackage)) {
    for (const { severity = "unknown", title = "", url = "" } of advisories) {
      const isGrave = runtime.has(name) && (severity === "high" || severity === "critical");
      (isGrave ? grave : others).push(`${name}: ${severity}: ${title} ${url}`.trim());
    }
  }
  return { type: "told", grave, others };
}

interface Advisory {
  readonly severity?: string;
  readonly title?: string;
  readonly url?: string;
}

function parsed(text: string): Record<string, readonly Advisory[]> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isTable =
      typeof value === "object" &&
      value !== null &&
      Object.values(value).every((each) => Array.isArray(each));
    return isTable ? (value as Record<string, readonly Advisory[]>) : null;
  } catch {
    return null;
  }
}

function firstError(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.find((line) => /error/i.test(line)) ?? lines.find(Boolean) ?? "it gave no answer";
}
