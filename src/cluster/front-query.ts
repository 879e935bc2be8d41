/** Parameters of a query that the front reads, and all else of the URL as it is written. */
export interface TakenQuery {
  /** What each name has, decoded, in order. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** The URL with these parameters instead of those that were taken. */
  with(parameters: Readonly<Record<string, string>>): string;
}

/**
 * Takes parameters out of a query. What is not percent-encoded UTF-8 stays where it is, for the cells to refuse; and the
 * others are not written anew, for the same reason.
 */
export function takeFromQuery(url: string, names: readonly string[]): TakenQuery {
  const hash = url.indexOf("#");
  const whole = hash === -1 ? url : url.slice(0, hash);
  const mark = whole.indexOf("?");
  const base = mark === -1 ? whole : whole.slice(0, mark);
  const values: Record<string, string[]> = {};
  const rest: string[] = [];
  for (const part of mark === -1 ? [] : whole.slice(mark + 1).split("&")) {
    const read = parameterOf(part);
    if (read !== null && names.includes(read.name)) (values[read.name] ??= []).push(read.value);
    else if (part !== "") rest.push(part);
  }
  return {
    values,
    with: (parameters) => {
      const added = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
      const query = [...rest, ...added].join("&");
      return query === "" ? base : `${base}?${query}`;
    },
  };
}

function parameterOf(part: string): { readonly name: string; readonly value: string } | null {
  const equals = part.indexOf("=");
  try {
    const decode = (text: string) => decodeURIComponent(text.replaceAll("+", " "));
    return equals === -1
      ? { name: decode(part), value: "" }
      : { name: decode(part.slice(0, equals)), value: decode(part.slice(equals + 1)) };
  } catch {
    return null;
  }
}
