import { createHash } from "node:crypto";
import type { ConnectionRequest } from "./connection-request.ts";
import { putBack, takeOut, type Piece, type Tree } from "./pieces.ts";

/** Why a stored request cannot be read. Says nothing of what is in it. */
export class UnreadableRequest extends Error {
  constructor(why: string) {
    super(`Cannot read a stored connection request: ${why}`);
    this.name = "UnreadableRequest";
  }
}

/**
 * Grows with every change after which older texts mean something else: a field that is gone or has another form, and
 * also a new one with a default, for nothing but {@link fromStored} puts that into what was stored before it was.
 */
const version = 1;

interface StoredRequest {
  readonly version: typeof version;
  /** The request, with null where a piece belongs. */
  readonly tree: Tree;
  readonly pieces: readonly Piece[];
  /** {@link Sealed}, sealed; null where there is no secret, so that no key is needed. */
  readonly sealed: string | null;
}

interface Sealed {
  readonly pieces: readonly Piece[];
  /** The digest of what is not sealed. Whoever changed the broker's address would be sent the password. */
  readonly beside: string;
}

/**
 * A connection request as a text that can be kept and read again, the same in all that {@link fingerprint} looks at. All
 * secrets go into one sealed text; `seal` is not called where there are none.
 */
export async function toStored(
  request: ConnectionRequest,
  seal: (plain: string) => Promise<string>,
): Promise<string> {
  const { tree, pieces } = takeOut(request, isSignature);
  const secret = pieces.filter(isSecret);
  const open = pieces.filter((piece) => !isSecret(piece));
  const sealed: Sealed = { pieces: secret, beside: digest(tree, open) };
  const stored: StoredRequest = {
    version,
    tree,
    pieces: open,
    sealed: secret.length === 0 ? null : await seal(JSON.stringify(sealed)),
  };
  return JSON.stringify(stored);
}

/**
 * The request of a text that {@link toStored} made. The connection request's schema has no part in it: that reads what
 * callers write, which is another shape.
 *
 * @throws {UnreadableRequest}
 * @throws what `open` throws
 */
export async function fromStored(
  text: string,
  open: (sealed: string) => Promise<string>,
): Promise<ConnectionRequest> {
  const stored = parsed(text) as Partial<StoredRequest>;
  if (stored.version !== version) throw new UnreadableRequest(`its format is not version ${version}`);
  const { tree, pieces, sealed } = stored as StoredRequest;
  if (sealed === null) return putBack(tree, pieces) as ConnectionRequest;
  const opened = parsed(await open(sealed)) as Sealed;
  if (opened.beside !== digest(tree, pieces))
    throw new UnreadableRequest("it was changed since its secrets were sealed");
  return putBack(tree, [...pieces, ...opened.pieces]) as ConnectionRequest;
}

/** A text of ours. A parser's words would quote what it stumbled over. */
function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // As below.
  }
  throw new UnreadableRequest("it is not one");
}

/** What is never shown: all that is wrapped, and what is not, for only its query is secret. */
function isSecret({ at, wrapped }: Piece): boolean {
  return wrapped || isAt(at, "target", "path");
}

/** A WebSocket path with a query, which may be signed, as that of AWS IoT is; `displayUrl()` does not show it either. */
function isSignature(at: readonly string[], text: string): boolean {
  return isAt(at, "target", "path") && text.includes("?");
}

function isAt(at: readonly string[], ...place: readonly string[]): boolean {
  return at.length === place.length && at.every((name, index) => name === place[index]);
}

function digest(tree: Tree, pieces: readonly Piece[]): string {
  return createHash("sha256")
    .update(JSON.stringify([tree, pieces]))
    .digest("base64");
}
