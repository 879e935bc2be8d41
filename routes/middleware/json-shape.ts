/** What nothing that this server reads comes near; deeper values would exhaust the stack of whoever walks them. */
const deepest = 64;

type Path = readonly (string | number)[];

/**
 * Where a parsed JSON value has what a schema would not notice: a member `__proto__`, which schemas drop without a
 * word, or nesting without end. Null where all is well.
 */
export function findUnreadable(root: unknown): { readonly path: Path; readonly detail: string } | null {
  const waiting: { readonly value: unknown; readonly path: Path }[] = [{ value: root, path: [] }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, path } = next;
    if (typeof value !== "object" || value === null) continue;
    if (path.length === deepest) return { path, detail: `expected at most ${deepest} levels of nesting` };
    for (const [name, inner] of Object.entries(value)) {
      if (name === "__proto__") return { path: [...path, name], detail: "there is no such field" };
      waiting.push({ value: inner, path: [...path, name] });
    }
  }
  return null;
}
