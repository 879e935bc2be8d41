import { randomBytes } from "node:crypto";
import type { AttemptDeps } from "./broker/attempt.ts";
import type { Clock } from "./clock.ts";
import type { Connection } from "./connection/connection.ts";
import type { ClientIds, OwnClientIds } from "./connection/identity.ts";
import { Lifecycle } from "./connection/lifecycle.ts";
import { Operations } from "./connection/operations.ts";
import { Registry } from "./connection/registry.ts";
import { restoreConnections } from "./connection/restore.ts";
import type { SessionLimits } from "./connection/session.ts";
import type { Keeping } from "./connection/stored-connection.ts";
import { IdempotencyJournal } from "./idempotency-journal.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import type { Logger } from "./log.ts";
import type { Budgets } from "./budgets.ts";
import type { Counters } from "./metrics/counters.ts";
import type { Rates } from "./rates.ts";
import { Waits } from "./waits.ts";
import type { Dispatcher } from "./webhooks/dispatcher.ts";
import type { Schedule } from "./webhooks/schedule.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

/** What a tenant is made with. */
export interface TenantDeps {
  /** Its own; a store that is its own as well. */
  readonly keeping: Keeping;
  readonly attempt: AttemptDeps;
  /** Of all tenants. */
  readonly clientIds: ClientIds;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly budgets: Budgets;
  readonly rates: Rates;
  readonly counters: Counters;
  /** To be called when it has given back all of its share; null where that is nobody else's. */
  readonly release: (() => void) | null;
  readonly sessionLimits: SessionLimits;
  readonly maxEvents: number;
  readonly dispatcher: Dispatcher;
  readonly webhookSchedule: Schedule | undefined;
  /** So many connections have come one half of the way back from the store. */
  readonly onRestoring: (count: number) => void;
}

/** All that belongs to one tenant: nothing in it can reach another's. */
export class Tenant {
  readonly name: string;
  readonly registry: Registry;
  readonly operations: Operations;
  readonly lifecycle: Lifecycle;
  readonly idempotency: IdempotencyKeys;
  readonly webhooks: Webhooks;
  readonly waits: Waits;
  readonly budgets: Budgets;
  readonly rates: Rates;
  /** What has happened. */
  readonly counters: Counters;
  /** What its attempts are made with. */
  readonly attempt: AttemptDeps;
  /** Its client ids, which must not be those of another tenant at the same broker. */
  readonly clientIds: OwnClientIds;
  readonly #keeping: Keeping;
  readonly #release: (() => void) | null;

  private constructor(name: string, deps: TenantDeps) {
    const { keeping, attempt, clock, random, logger, budgets } = deps;
    const { store, journal } = keeping;
    const isKept = store.survives === "power";
    this.name = name;
    this.#keeping = keeping;
    this.#release = deps.release;
    this.budgets = budgets;
    this.rates = deps.rates;
    this.counters = deps.counters;
    this.attempt = attempt;
    this.clientIds = { all: deps.clientIds, tenant: name };
    const newEpoch = () => randomBytes(6).toString("hex");
    this.lifecycle = new Lifecycle(
      // Opened again, its events begin anew where they are in memory alone, and an id of before must not be one of them.
      isKept ? store.epoch : newEpoch(),
      clock,
      logger,
      deps.maxEvents,
      isKept ? journal : null,
      budgets.logBytes,
    );
    this.registry = new Registry(
      {
        ...{ attempt, lifecycle: this.lifecycle, clock, random },
        newEpoch,
        limits: deps.sessionLimits,
        publishTimes: deps.counters.publishes,
        keeping: isKept ? keeping : null,
        budgets,
      },
      this.clientIds,
    );
    this.operations = new Operations(this.registry, clock);
    const answers = isKept ? new IdempotencyJournal(keeping, logger) : null;
    this.idempotency = new IdempotencyKeys(
      { keys: budgets.idempotencyKeys, bytes: budgets.idempotencyBytes },
      clock.monotonic,
      answers,
    );
    this.waits = new Waits(budgets.waits);
    this.webhooks = new Webhooks({
      ...{ ...keeping, clock, random, logger, connections: this.registry },
      dispatcher: deps.dispatcher,
      budget: budgets.webhooks,
      delivery: { ...attempt, wall: clock.wall },
      schedule: deps.webhookSchedule,
      onGap: (reason) => this.counters.gaps.add(reason),
    });
  }

  /**
   * Brings back what the store has of a tenant. Nothing is dialled yet, and what is to be tidied in the store is so with
   * {@link begin}.
   *
   * @throws {StoreError} when the store cannot be read
   * @throws {SealError} when a secret cannot be opened
   */
  static async open(
    name: string,
    deps: TenantDeps,
  ): Promise<{ readonly tenant: Tenant; readonly restored: readonly Connection[] }> {
    const { keeping } = deps;
    const tenant = new Tenant(name, deps);
    const { registry, lifecycle } = tenant;
    try {
      await tenant.idempotency.restore();
      const isKept = keeping.store.survives === "power";
      const restored = isKept ? await restoreConnections(keeping, registry, lifecycle, deps.onRestoring) : [];
      await tenant.webhooks.restore();
      return { tenant, restored };
    } catch (error) {
      void tenant.abandon();
      throw error;
    }
  }

  /** Tidies up behind a start that has succeeded: one that is refused for want of a key must not have deleted the answers that only it could open. */
  begin(): Promise<void> {
    return this.idempotency.flush();
  }

  /** Whether nobody would be disturbed if it were closed and opened again. */
  get isIdle(): boolean {
    const { connections, streams, waits, webhooks, bodyBytes } = this.budgets;
    return [connections, streams, waits, webhooks, bodyBytes].every(({ used }) => used === 0);
  }

  /** Whether a call that is made again would then be carried out again: its answer is in memory alone. */
  get hasAnswers(): boolean {
    return this.#keeping.store.survives !== "power" && this.budgets.idempotencyKeys.used > 0;
  }

  /** Closes what it has, gracefully; resolves when all of it is kept that is to be. */
  async close(graceMs: number): Promise<void> {
    await this.webhooks.close();
    await this.registry.shutdown(graceMs);
    await this.#keeping.journal.settled();
  }

  /** Takes no more; the streams have ended. */
  async end(): Promise<void> {
    await this.idempotency.flush();
    this.#keeping.journal.close();
    this.idempotency.release();
    this.lifecycle.all.close();
    this.#release?.();
  }

  /** Gives back what it has come by at a start that has failed, where others have the same share. */
  async abandon(): Promise<void> {
    if (this.#release === null) return;
    this.#keeping.journal.close();
    await this.close(0);
    await this.end();
  }
}
