import { Passes, type Pass } from "./passes.ts";
import type { Principal } from "./principal.ts";

/** 12 hours: a working day. */
export const sessionSeconds = 43_200;

/** Sessions of people at a browser, which keeps a cookie instead of the token. */
export class Sessions implements Disposable {
  readonly #passes: Passes<Pass>;
  readonly #wall: () => number;

  constructor(wall: () => number) {
    this.#wall = wall;
    this.#passes = new Passes({ prefix: "s_", name: "sessions", wall, endsWork: true });
  }

  /** @throws {Problem} `limit-reached` */
  create(owner: Principal): { readonly session: Pass; readonly secret: string } {
    const expiresAt = this.#wall() + sessionSeconds * 1_000;
    const { pass, secret } = this.#passes.add(owner, (id, tenure) => ({
      ...{ id, owner, expiresAt },
      // By the token's id: it is the token that calls.
      principal: { ...owner, tenure },
    }));
    return { session: pass, secret };
  }

  find(secret: string): Pass | null {
    return this.#passes.find(secret);
  }

  end(session: Pass): void {
    this.#passes.end(session);
  }

  [Symbol.dispose](): void {
    this.#passes[Symbol.dispose]();
  }
}
