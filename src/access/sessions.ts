import { Passes, type MadePass, type Pass, type PassKeeper } from "./passes.ts";
import type { Principal } from "./principal.ts";
import { Tenure } from "./tenure.ts";

/** 12 hours: a working day. */
export const sessionSeconds = 43_200;

/** Sessions of people at a browser, which keeps a cookie instead of the token. */
export class Sessions implements Disposable {
  readonly #passes: Passes<Pass>;
  readonly #wall: () => number;
  readonly #ids = new WeakMap<Tenure, string>();

  constructor(wall: () => number, keeper: PassKeeper<Pass> | null = null) {
    this.#wall = wall;
    this.#passes = new Passes({ prefix: "s_", name: "sessions", wall, endsWork: true }, keeper);
  }

  /** @throws {Problem} `limit-reached` */
  create(owner: Principal): Pick<MadePass<Pass>, "secret" | "kept"> & { readonly session: Pass } {
    const expiresAt = this.#wall() + sessionSeconds * 1_000;
    const { pass, secret, kept } = this.#passes.add(owner, (id, tenure) =>
      this.#session({ id, owner, expiresAt }, tenure),
    );
    return { session: pass, secret, kept };
  }

  /** Takes up one that was made before, or elsewhere. */
  hold(of: Omit<Pass, "principal">, hash: string): void {
    this.#passes.hold(this.#session(of, new Tenure()), hash);
  }

  find(secret: string): Pass | null {
    return this.#passes.find(secret);
  }

  byId(id: string): Pass | null {
    return this.#passes.byId(id);
  }

  /** The session that somebody calls with; null where it is none. */
  idOf({ tenure }: Principal): string | null {
    return this.#ids.get(tenure) ?? null;
  }

  /** Ends one, at once; what it returns, where it is kept, resolves when it is gone there. */
  end(session: Pick<Pass, "id">): Promise<void> | null {
    return this.#passes.end(session);
  }

  [Symbol.dispose](): void {
    this.#passes[Symbol.dispose]();
  }

  #session(of: Omit<Pass, "principal">, tenure: Tenure): Pass {
    this.#ids.set(tenure, of.id);
    // By the token's id: it is the token that calls.
    return { ...of, principal: { ...of.owner, tenure } };
  }
}
