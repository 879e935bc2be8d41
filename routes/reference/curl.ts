import { calls } from "./calls.ts";
import type { Example } from "./call.ts";

const server = "http://127.0.0.1:8080";
/** What stands in a path where an example does not say it. */
const placeholders: Readonly<Record<string, string>> = { filter: "a" };
/** Only connections have ids that one knows beforehand. */
const connection = "home";

/** The path of an example; `values` are for what stands in it, in place of those that everybody would have to change. */
export function pathOf(
  name: string,
  example: Example,
  values: Readonly<Record<string, string>> = {},
): string {
  const [, path = ""] = name.split(" ");
  const id: Record<string, string> = path.startsWith("/connections/{id}") ? { id: connection } : {};
  const known = { ...placeholders, ...id, ...values, ...example.values };
  const filled = path.replaceAll(/\{(\w+)\}/g, (whole, each: string) => {
    const value = known[each];
    return value === undefined ? whole : encodeURIComponent(value);
  });
  return filled + (example.query ?? "");
}

/** A call as one types it in a shell. */
export function curlOf(name: string, example: Example): string {
  const [method = ""] = name.split(" ");
  const { accept, body, type = "application/json" } = example;
  const { needs } = calls[name] ?? { needs: "none" };
  const isPost = body === undefined ? method === "GET" : method === "POST";
  return [
    `curl${accept !== undefined && /stream|ndjson/.test(accept) ? " -N" : ""}${isPost ? "" : ` -X ${method}`}`,
    quoted(`${server}${pathOf(name, example)}`),
    ...(needs === "none" ? [] : ['-H "Authorization: Bearer $TOKEN"']),
    ...(accept === undefined ? [] : [`-H ${quoted(`Accept: ${accept}`)}`]),
    ...(body === undefined ? [] : [`-H ${quoted(`Content-Type: ${type}`)}`, ...dataOf(body)]),
  ].join(" ");
}

function dataOf(body: unknown): string[] {
  return ["--data-binary", quoted(typeof body === "string" ? body : JSON.stringify(body))];
}

/** As one word of a POSIX shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
