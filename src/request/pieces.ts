import { Secret } from "../secret.ts";

/** What JSON can say as it stands. */
export type Tree =
  | string
  | number
  | boolean
  | null
  | readonly Tree[]
  | { readonly [name: string]: Tree | undefined };

/** A value that was taken out of a tree, since JSON cannot say it, or since it shall be kept elsewhere. */
export interface Piece {
  readonly at: readonly string[];
  readonly type: "text" | "bytes";
  /** Whether it is in a {@link Secret}. */
  readonly wrapped: boolean;
  /** The text, or the bytes as base64. */
  readonly data: string;
}

/**
 * Takes all `Secret`s and bytes out of a value, and the texts that `alsoTake` names; null stands in their places. Nothing
 * in the tree marks them: whatever the mark, some User Property could be named so.
 */
export function takeOut(
  value: unknown,
  alsoTake: (at: readonly string[], text: string) => boolean,
): { readonly tree: Tree; readonly pieces: readonly Piece[] } {
  const pieces: Piece[] = [];
  const walk = (value: unknown, at: readonly string[]): Tree => {
    const piece = pieceOf(value, at, alsoTake);
    if (piece !== null) return (pieces.push(piece), null);
    if (value === null || typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (Array.isArray(value)) return value.map((each, index) => walk(each, [...at, String(index)]));
    if (typeof value !== "object" || !isPlain(value))
      throw new TypeError(`Cannot store what is at ${at.join("/")}`);
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, each]) => each !== undefined)
        .map(([name, each]) => [name, walk(each, [...at, name])]),
    );
  };
  return { tree: walk(value, []), pieces };
}

function pieceOf(
  value: unknown,
  at: readonly string[],
  alsoTake: (at: readonly string[], text: string) => boolean,
): Piece | null {
  const wrapped = value instanceof Secret;
  const inner: unknown = wrapped ? value.reveal() : value;
  if (inner instanceof Uint8Array)
    return { at, type: "bytes", wrapped, data: Buffer.from(inner).toString("base64") };
  if (typeof inner !== "string" || !(wrapped || alsoTake(at, inner))) return null;
  return { at, type: "text", wrapped, data: inner };
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The value that {@link takeOut} was given. */
export function putBack(tree: Tree, pieces: readonly Piece[]): unknown {
  const byPlace = new Map(pieces.map((piece) => [JSON.stringify(piece.at), piece]));
  const walk = (tree: Tree | undefined, at: readonly string[]): unknown => {
    if (tree === null) {
      const piece = byPlace.get(JSON.stringify(at));
      return piece === undefined ? null : valueOf(piece);
    }
    if (typeof tree !== "object") return tree;
    if (Array.isArray(tree)) return tree.map((each: Tree, index) => walk(each, [...at, String(index)]));
    return Object.fromEntries(Object.entries(tree).map(([name, each]) => [name, walk(each, [...at, name])]));
  };
  return walk(tree, []);
}

function valueOf({ type, wrapped, data }: Piece): unknown {
  if (type === "text") return wrapped ? new Secret(data) : data;
  const bytes = Buffer.from(data, "base64");
  return wrapped ? new Secret<Uint8Array>(bytes) : bytes;
}
