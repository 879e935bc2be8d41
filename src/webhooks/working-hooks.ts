import type { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import { deadline } from "../deadline.ts";
import type { Logger } from "../log.ts";
import type { StoredTime } from "../stored-time.ts";
import { StoreError, type Change, type Lease, type Store } from "../store/store.ts";
import type { DeliveryDeps } from "./delivery.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Hook, type HookDeps } from "./hook.ts";
import { Hooks } from "./hooks.ts";
import type { ConnectionLogs, Wanted } from "./lanes.ts";
import { commitInParts, keepCursor, type Commit } from "./records.ts";
import { standardSchedule, type Schedule } from "./schedule.ts";
import type { SigningKey, Unable } from "./sender.ts";
import type { Webhook } from "./webhook.ts";

/** The connections whose messages and events are delivered. */
export interface Connections {
  all(): Iterable<ConnectionLogs>;
  peek(id: string): ConnectionLogs | null;
  /** Before anything has happened to the connection. */
  onAdded(listener: (connection: ConnectionLogs) => void): () => void;
}

export interface WorkingDeps extends Pick<HookDeps, "onGap"> {
  readonly store: Store;
  readonly lease: Lease;
  readonly connections: Connections;
  readonly delivery: DeliveryDeps;
  readonly clock: Clock;
  readonly time: StoredTime;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** How many there may be. */
  readonly budget: Budget;
  readonly dispatcher: Dispatcher;
  readonly schedule?: Schedule | undefined;
}

const closeWithinMs = 2_000;

/** Webhooks at work on the connections of one store, in which their places and dead letters are; whoever keeps the webhooks themselves. */
export class WorkingHooks {
  readonly hooks: Hooks;
  readonly commit: Commit;
  readonly #deps: WorkingDeps;
  readonly #hookDeps: HookDeps;
  #closed = false;
  #unlisten: () => void = () => {};

  constructor(deps: WorkingDeps, keepGone: HookDeps["keepGone"]) {
    const { store, clock, time, random, logger, delivery, dispatcher, onGap } = deps;
    this.#deps = deps;
    this.hooks = new Hooks(deps.budget);
    this.commit = (changes) => this.#write(changes);
    this.#hookDeps = {
      ...{ store, clock, time, random, logger, delivery, dispatcher, onGap, keepGone },
      commit: this.commit,
      schedule: deps.schedule ?? standardSchedule,
    };
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  make(webhook: Webhook, keys: readonly SigningKey[], unable: Unable | null = null): Hook {
    return new Hook(webhook, keys, this.#hookDeps, unable);
  }

  /** Begins to hear of new connections; to be called once, when those that the store had are back. */
  listen(): void {
    this.#unlisten = this.#deps.connections.onAdded((added) => {
      for (const hook of this.hooks) hook.lanes.attach(added);
    });
  }

  /** One that is kept, and begins to work. */
  enter(hook: Hook): void {
    this.hooks.enter(hook);
    if (this.#closed) {
      hook.stop();
      this.#deps.budget.give();
    } else this.attach(hook);
  }

  attach(hook: Hook): void {
    if (this.#closed) return;
    for (const connection of this.#connectionsOf(hook.webhook)) hook.lanes.attach(connection);
  }

  /**
   * Keeps `record` behind the places at which the new lanes of this form of the webhook begin: else a restart would begin
   * before them. `had` is as {@link Hook.lanes} has it.
   */
  async keep(hook: Hook, webhook: Webhook, record: Change, had: Wanted | null = null): Promise<void> {
    const tails = hook.lanes.tails(webhook, this.#connectionsOf(webhook), had);
    const places = [...tails].map(([lane, id]) => keepCursor(webhook.id, lane, { id, tries: null }));
    await commitInParts(this.commit, [...places, record]);
    for (const [lane, id] of tails) hook.lanes.place(lane, { id, tries: null });
  }

  /** Drops what is under way, and keeps the places of all lanes, for so long as that does not take too long. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#halt();
    const hooks = [...this.hooks];
    using late = deadline(closeWithinMs);
    const kept = commitInParts(
      this.commit,
      hooks.flatMap(({ lanes }) => lanes.unkept),
    ).catch((error: unknown) =>
      this.#deps.logger.warn("webhooks: places could not be kept; some deliveries will come twice", {
        detail: String(error),
      }),
    );
    const { promise: over, resolve } = Promise.withResolvers<void>();
    late.signal.addEventListener("abort", () => resolve(), { once: true });
    await Promise.race([kept, over]);
    this.hooks.release();
  }

  #halt(): void {
    this.#closed = true;
    this.#unlisten();
    for (const hook of this.hooks) hook.stop();
  }

  #connectionsOf({ connection }: Webhook): Iterable<ConnectionLogs> {
    const { connections } = this.#deps;
    if (connection === null) return connections.all();
    const found = connections.peek(connection);
    return found === null ? [] : [found];
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
