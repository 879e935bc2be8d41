import { v7 as uuidv7 } from "uuid";
import type { Logger } from "../log.ts";
import { Problem } from "../problem.ts";
import type { StoredTime } from "../stored-time.ts";
import type { Sealer } from "../sealing.ts";
import { StoreError, type Change, type Lease, type Store } from "../store/store.ts";
import type { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import { deadline } from "../deadline.ts";
import type { DeadLetter } from "./dead-letters.ts";
import type { DeliveryDeps } from "./delivery.ts";
import { checkDestination } from "./destination.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { AttemptView } from "./history.ts";
import { Hooks, type ListQuery, type Page } from "./hooks.ts";
import { Hook, putWebhook, type HookDeps } from "./hook.ts";
import type { ConnectionLogs } from "./lanes.ts";
import { commitInParts, keepCursor, webhookSpace, type Commit } from "./records.ts";
import { forgetUnclaimed, restoreHooks } from "./restore.ts";
import { standardSchedule, type Schedule } from "./schedule.ts";
import { openSecrets, resealed, rotate, sealSecret } from "./secrets.ts";
import { generateSecret } from "./signature.ts";
import { viewOf, type WebhookView } from "./view.ts";
import { nothingWanted, type Webhook, type WebhookPatch, type WebhookRequest } from "./webhook.ts";

/** The connections whose messages and events are delivered. */
export interface Connections {
  all(): Iterable<ConnectionLogs>;
  peek(id: string): ConnectionLogs | null;
  /** Before anything has happened to the connection. */
  onAdded(listener: (connection: ConnectionLogs) => void): () => void;
}

export interface WebhooksDeps extends Pick<HookDeps, "onGap"> {
  readonly store: Store;
  readonly lease: Lease;
  readonly sealer: Sealer;
  readonly connections: Connections;
  readonly delivery: DeliveryDeps;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly time: StoredTime;
  readonly random: () => number;
  readonly logger: Logger;
  /** How many there may be. */
  readonly budget: Budget;
  readonly dispatcher: Dispatcher;
  readonly schedule?: Schedule | undefined;
}

const closeWithinMs = 2_000;

/** All webhooks: what is kept of them, and their deliveries. */
export class Webhooks {
  readonly #deps: WebhooksDeps;
  readonly #hookDeps: HookDeps;
  readonly #commit: Commit;
  readonly #hooks: Hooks;
  #closed = false;
  #unlisten: () => void = () => {};

  constructor(deps: WebhooksDeps) {
    const { store, clock, time, random, logger, delivery, dispatcher, onGap } = deps;
    this.#deps = deps;
    this.#hooks = new Hooks(deps.budget);
    this.#commit = (changes) => this.#write(changes);
    this.#hookDeps = {
      ...{ store, clock, time, random, logger, delivery, dispatcher, onGap },
      commit: this.#commit,
      schedule: deps.schedule ?? standardSchedule,
    };
  }

  /** Brings back what the store has, and begins to deliver; to be called once, when the connections are back. */
  async restore(): Promise<void> {
    const { store, sealer, connections } = this.#deps;
    const make = async (webhook: Webhook) => {
      const renewed = await resealed(sealer, webhook);
      if (renewed !== null) await this.#commit([putWebhook(renewed)]);
      return new Hook(renewed ?? webhook, await openSecrets(sealer, webhook), this.#hookDeps);
    };
    const hooks = await restoreHooks(store, this.#commit, make);
    for (const hook of hooks) this.#hooks.enter(hook);
    this.#unlisten = connections.onAdded((added) => {
      for (const hook of this.#hooks) hook.lanes.attach(added);
    });
    for (const hook of hooks) this.#attach(hook);
    await forgetUnclaimed(hooks, this.#commit);
  }

  /**
   * Keeps a new webhook, which begins with what happens from now on. `secret` is the generated one.
   *
   * @throws {Problem} `limit-reached`, `destination-forbidden`, `shutting-down`
   */
  async create(request: WebhookRequest): Promise<{ view: WebhookView; secret: string | null }> {
    if (this.#closed)
      throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
    const { sealer, clock, delivery } = this.#deps;
    using _ = this.#hooks.reserve();
    await checkDestination(request.url, delivery);
    const { secret: given, enabled, ...rest } = request;
    const id = `w_${uuidv7()}`;
    const secret = given ?? generateSecret();
    const createdAt = clock.wall();
    const webhook: Webhook = {
      ...{ id, ...rest, createdAt },
      standing: enabled ? { state: "enabled" } : { state: "disabled", reason: "requested", at: createdAt },
      secrets: [await sealSecret(sealer, id, secret)],
    };
    const hook = new Hook(webhook, [{ secret, until: null }], this.#hookDeps);
    await this.#keep(hook, webhook);
    this.#hooks.enter(hook);
    if (this.#closed) hook.stop();
    this.#attach(hook);
    return { view: viewOf(hook), secret: given === null ? secret.reveal() : null };
  }

  /** A page, oldest first. */
  list(query: ListQuery): Page<WebhookView> {
    return this.#hooks.list(query);
  }

  /** @throws {Problem} `not-found` */
  view(id: string): WebhookView {
    return viewOf(this.#hooks.get(id));
  }

  /**
   * Changes what is given. What is under way is begun anew, and a webhook that was disabled goes on where it stopped.
   * `secret` is the generated one. `check` is given the webhook that is changed, when it is this change's turn.
   *
   * @throws {Problem} `not-found`, `invalid-request`, `destination-forbidden`, and what `check` throws
   */
  patch(
    id: string,
    patch: WebhookPatch,
    check: (before: Webhook) => void = () => {},
  ): Promise<{ view: WebhookView; secret: string | null }> {
    const hook = this.#hooks.get(id);
    return hook.changes.run(async () => {
      this.#hooks.get(id);
      check(hook.webhook);
      const { secret: given, secretOverlapSeconds = 86_400, enabled, ...fields } = patch;
      const { clock, sealer, delivery } = this.#deps;
      if (fields.url !== undefined) await checkDestination(fields.url, delivery);
      const now = clock.wall();
      let webhook = { ...hook.webhook, ...withoutUndefined(fields) };
      if (webhook.topics.length + webhook.events.length === 0) throw nothingLeft();
      if (enabled === true) webhook = { ...webhook, standing: { state: "enabled" } };
      if (enabled === false && webhook.standing.state === "enabled")
        webhook = { ...webhook, standing: { state: "disabled", reason: "requested", at: now } };
      let keys = hook.sender.keys;
      const secret = given === null ? generateSecret() : given;
      if (secret !== undefined) {
        const until = now + secretOverlapSeconds * 1_000;
        const sealed = await sealSecret(sealer, id, secret);
        webhook = { ...webhook, secrets: rotate(sealed, webhook.secrets, until, now) };
        keys = rotate({ secret, until: null }, keys, until, now);
      }
      await this.#keep(hook, webhook);
      hook.change(webhook, keys);
      this.#attach(hook);
      return { view: viewOf(hook), secret: given === null ? (secret?.reveal() ?? null) : null };
    });
  }

  /**
   * Stops a webhook at once, and forgets all of it.
   *
   * @throws {Problem} `not-found`
   */
  remove(id: string): Promise<void> {
    const hook = this.#hooks.get(id);
    hook.leave();
    return hook.changes.run(async () => {
      this.#hooks.get(id);
      try {
        await hook.dead.settled();
        const webhook: Change = { type: "delete", space: webhookSpace, key: id };
        // What a crash in between leaves behind belongs to nobody, and goes at the next start.
        await commitInParts(this.#commit, [webhook, ...hook.dead.removal, ...hook.lanes.removal]);
      } catch (error) {
        hook.stay();
        throw error;
      }
      this.#hooks.delete(id);
      hook.stop();
    });
  }

  /** @throws {Problem} `not-found` */
  async test(id: string, signal: AbortSignal): Promise<AttemptView> {
    return this.#hooks.get(id).test(signal);
  }

  /** Recent attempts since the start of the process, oldest first. @throws {Problem} `not-found` */
  attempts(id: string, after: string | null, limit: number): Page<AttemptView> {
    const from = after === null ? 0 : Number.parseInt(after, 36);
    const { items, next } = this.#hooks.get(id).sender.history.page(from, limit);
    return { items, next: next?.toString(36) ?? null };
  }

  /** Deliveries that were given up, oldest first. @throws {Problem} `not-found` */
  async deadLetters(id: string, after: string | null, limit: number): Promise<Page<DeadLetter>> {
    return this.#hooks.get(id).dead.page(after, limit);
  }

  /** @throws {Problem} `not-found` */
  async replay(id: string, delivery: string, signal: AbortSignal): Promise<AttemptView> {
    return this.#hooks.get(id).replay(delivery, signal);
  }

  /** How many dead deliveries are now being replayed. @throws {Problem} `not-found` */
  replayAll(id: string): number {
    return this.#hooks.get(id).replayAll();
  }

  /** Drops what is under way, and keeps the places of all lanes, for so long as that does not take too long. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#halt();
    const hooks = [...this.#hooks];
    using late = deadline(closeWithinMs);
    const kept = commitInParts(
      this.#commit,
      hooks.flatMap(({ lanes }) => lanes.unkept),
    ).catch((error: unknown) =>
      this.#deps.logger.warn("webhooks: places could not be kept; some deliveries will come twice", {
        detail: String(error),
      }),
    );
    const { promise: over, resolve } = Promise.withResolvers<void>();
    late.signal.addEventListener("abort", () => resolve(), { once: true });
    await Promise.race([kept, over]);
  }

  #halt(): void {
    this.#closed = true;
    this.#unlisten();
    for (const hook of this.#hooks) hook.stop();
  }

  #attach(hook: Hook): void {
    if (this.#closed) return;
    for (const connection of this.#connectionsOf(hook.webhook)) hook.lanes.attach(connection);
  }

  #connectionsOf({ connection }: Webhook): Iterable<ConnectionLogs> {
    const { connections } = this.#deps;
    if (connection === null) return connections.all();
    const found = connections.peek(connection);
    return found === null ? [] : [found];
  }

  /** Keeps the webhook, behind the places at which its new lanes begin: else a restart would begin before them. */
  async #keep(hook: Hook, webhook: Webhook): Promise<void> {
    const tails = hook.lanes.tails(webhook, this.#connectionsOf(webhook));
    const places = [...tails].map(([lane, id]) => keepCursor(webhook.id, lane, { id, tries: null }));
    await commitInParts(this.#commit, [...places, putWebhook(webhook)]);
    for (const [lane, id] of tails) hook.lanes.place(lane, { id, tries: null });
  }

  async #write(changes: readonly Change[]): Promise<void> {
    const { store, lease } = this.#deps;
    try {
      await store.commit(lease, changes);
    } catch (error) {
      if (error instanceof StoreError && error.kind === "fenced" && !this.#closed) {
        // Another process has the store: what it delivers must not be delivered here, too.
        this.#halt();
        this.#deps.logger.error("webhooks stopped: another process owns the store");
      }
      throw error;
    }
  }
}

/** An absent field is not one that is set to nothing. */
function withoutUndefined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function nothingLeft(): Problem {
  return new Problem("invalid-request", {
    detail: `/topics: ${nothingWanted}`,
    errors: [{ pointer: "/topics", detail: nothingWanted }],
  });
}
