import type { Change, Store } from "../store/store.ts";
import { PassOwners, type PassOwnersDeps } from "./pass-owners.ts";
import { ranOutSpace, readPass, sessionSpace, ticketSpace, type PassRecord } from "./pass-record.ts";
import { PassWriter, type PassWriterDeps } from "./pass-writer.ts";
import type { Pass, PassKeeper } from "./passes.ts";
import { readAll } from "./restore-tokens.ts";
import { Sessions } from "./sessions.ts";
import { Tickets, type Ticket } from "./tickets.ts";

type Space = typeof sessionSpace | typeof ticketSpace;

/**
 * Sessions and stream tickets that all nodes of a cluster know, and that outlive the process: as records of the store, with
 * the hashes of their secrets. Whoever owns the store writes them (with a `writer`), and others follow.
 */
export class PassBook implements AsyncDisposable {
  readonly sessions: Sessions;
  readonly tickets: Tickets;
  readonly #owners: PassOwners;
  readonly #wall: () => number;
  readonly #writer: PassWriter | null;

  constructor(deps: PassOwnersDeps, writer: PassWriterDeps | null) {
    this.#owners = new PassOwners(deps);
    this.#wall = deps.wall;
    this.#writer = writer === null ? null : new PassWriter(writer);
    this.sessions = new Sessions(
      this.#wall,
      this.#keeper<Pass>(sessionSpace, () => undefined),
    );
    this.tickets = new Tickets(
      this.#wall,
      this.#keeper<Ticket>(ticketSpace, ({ path }) => path),
    );
  }

  /** Takes up what was kept; to be called once, when the tokens are there. What does not count any more is deleted. */
  async restore(store: Pick<Store, "records">): Promise<void> {
    for (const space of [sessionSpace, ticketSpace] as const) {
      const found: { readonly id: string; readonly record: PassRecord | null }[] = [];
      for await (const { key, value } of readAll(store, space))
        found.push({ id: key, record: readPass(value) });
      // The oldest first, which go first: all of a space last as long.
      found.sort((a, b) => (a.record?.expiresAt ?? 0) - (b.record?.expiresAt ?? 0));
      for (const { id, record } of found) {
        if (this.#hold(space, id, record)) continue;
        const ranOut = record !== null && record.expiresAt <= this.#wall();
        // Nothing that is missed when it stays.
        this.#writer?.delete(space, id, ranOut ? saysRanOut(id) : []).catch(() => {});
      }
    }
  }

  /** Takes over what has changed in the store, of which this is a copy: what was revoked ends at once. */
  follow(changes: readonly Change[]): void {
    const ranOut = new Set(
      changes.flatMap((change) =>
        change.type === "delete" && change.space === ranOutSpace ? [change.key] : [],
      ),
    );
    for (const change of changes) {
      if (change.type === "put" && (change.space === sessionSpace || change.space === ticketSpace))
        this.#hold(change.space, change.key, readPass(change.value));
      if (change.type !== "delete") continue;
      if (change.space === sessionSpace) void this.sessions.end({ id: change.key });
      if (change.space !== ticketSpace) continue;
      if (ranOut.has(change.key)) this.tickets.close(change.key);
      else this.tickets.end(change.key);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sessions[Symbol.dispose]();
    this.tickets[Symbol.dispose]();
    await this.#writer?.end();
  }

  /** Whether it counts. */
  #hold(space: Space, id: string, record: PassRecord | null): boolean {
    if (record === null || record.expiresAt <= this.#wall()) return false;
    const { hash, expiresAt, path } = record;
    const owner = this.#owners.find(record.owner, this.sessions);
    if (owner === null) return false;
    if (space === sessionSpace) this.sessions.hold({ id, owner, expiresAt }, hash);
    else if (path !== undefined) this.tickets.hold({ id, owner, expiresAt, path }, hash);
    return true;
  }

  #keeper<P extends Pass>(space: Space, pathOf: (pass: P) => string | undefined): PassKeeper<P> | null {
    const writer = this.#writer;
    if (writer === null) return null;
    return {
      keep: (pass, hash) => {
        const { id, owner, expiresAt } = pass;
        const path = pathOf(pass);
        const record: PassRecord = {
          ...{ hash, expiresAt, owner: this.#owners.record(owner, this.sessions) },
          ...(path === undefined ? {} : { path }),
        };
        return writer.put(space, id, JSON.stringify(record));
      },
      forget: (id, ranOut) => writer.delete(space, id, ranOut ? saysRanOut(id) : []),
    };
  }
}

function saysRanOut(id: string): readonly Change[] {
  return [{ type: "delete", space: ranOutSpace, key: id }];
}
