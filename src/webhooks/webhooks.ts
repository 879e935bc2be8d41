import { v7 as uuidv7 } from "uuid";
import { unlimited } from "../budget.ts";
import { Problem } from "../problem.ts";
import type { Sealer } from "../sealing.ts";
import type { Change } from "../store/store.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { checkDestination } from "./destination.ts";
import { FollowedHooks } from "./followed-hooks.ts";
import type { AttemptView } from "./history.ts";
import type { ListQuery, Page } from "./hooks.ts";
import { putWebhook } from "./hook.ts";
import { commitInParts, webhookSpace } from "./records.ts";
import { forgetUnclaimed, restoreHooks } from "./restore.ts";
import type { TenantRole } from "./role.ts";
import { openSecrets, resealed, rotate, sealSecret } from "./secrets.ts";
import { generateSecret } from "./signature.ts";
import { viewOf, type WebhookView } from "./view.ts";
import { nothingWanted, type Webhook, type WebhookPatch, type WebhookRequest } from "./webhook.ts";
import { WorkingHooks, type WorkingDeps } from "./working-hooks.ts";

export interface WebhooksDeps extends WorkingDeps {
  readonly sealer: Sealer;
  /** Where they are kept, and who else is to hear of them; in this store and nobody, unless told. */
  readonly role?: TenantRole | undefined;
}

/** All webhooks: what is kept of them, and their deliveries. */
export class Webhooks {
  readonly #deps: WebhooksDeps;
  readonly #work: WorkingHooks;
  /** Null where they are kept here. */
  readonly #followed: FollowedHooks | null;
  #leaveDesk: () => void = () => {};

  constructor(deps: WebhooksDeps) {
    const { role } = deps;
    this.#deps = deps;
    if (role?.kind === "followed") {
      // They have their room where they are kept.
      const own = { ...deps, budget: unlimited() };
      this.#work = new WorkingHooks(own, (webhook) => followed.keepGone(webhook));
      const followed = new FollowedHooks(this.#work, { ...deps, ...role });
      this.#followed = followed;
    } else {
      this.#work = new WorkingHooks(deps, (webhook) => this.#work.commit([putWebhook(webhook)]));
      this.#followed = null;
    }
  }

  /** Brings back what the store has, and begins to deliver; to be called once, when the connections are back. */
  async restore(): Promise<void> {
    this.#work.listen();
    if (this.#followed !== null) return this.#followed.begin();
    const { store, sealer, role } = this.#deps;
    const { commit } = this.#work;
    const make = async (webhook: Webhook) => {
      const renewed = await resealed(sealer, webhook);
      if (renewed !== null) await commit([putWebhook(renewed)]);
      return this.#work.make(renewed ?? webhook, await openSecrets(sealer, webhook));
    };
    const hooks = await restoreHooks(store, commit, make);
    for (const hook of hooks) this.#work.enter(hook);
    await forgetUnclaimed(hooks, commit);
    if (role?.kind === "home") this.#leaveDesk = role.attend((id, known) => this.#gone(id, known));
  }

  /** Whether nothing is read, so that nothing would be missed if this were closed and opened again. */
  get isIdle(): boolean {
    return [...this.#work.hooks].every(({ lanes }) => lanes.size === 0);
  }

  /**
   * Keeps a new webhook, which begins with what happens from now on. `secret` is the generated one.
   *
   * @throws {Problem} `limit-reached`, `destination-forbidden`, `shutting-down`
   */
  async create(request: WebhookRequest): Promise<{ view: WebhookView; secret: string | null }> {
    this.#requireHere();
    if (this.#work.isClosed)
      throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
    const { sealer, clock, delivery } = this.#deps;
    using _ = this.#work.hooks.reserve();
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
    const hook = this.#work.make(webhook, [{ secret, until: null }]);
    await this.#work.keep(hook, webhook, putWebhook(webhook));
    this.#work.enter(hook);
    return { view: viewOf(hook), secret: given === null ? secret.reveal() : null };
  }

  /** A page, oldest first. */
  list(query: ListQuery): Page<WebhookView> {
    return this.#work.hooks.list(query);
  }

  /** @throws {Problem} `not-found` */
  view(id: string): WebhookView {
    return viewOf(this.#work.hooks.get(id));
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
    this.#requireHere();
    const { hooks } = this.#work;
    const hook = hooks.get(id);
    return hook.changes.run(async () => {
      hooks.get(id);
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
      await this.#work.keep(hook, webhook, putWebhook(webhook));
      hook.change(webhook, keys);
      this.#work.attach(hook);
      return { view: viewOf(hook), secret: given === null ? (secret?.reveal() ?? null) : null };
    });
  }

  /**
   * Stops a webhook at once, and forgets all of it.
   *
   * @throws {Problem} `not-found`
   */
  remove(id: string): Promise<void> {
    this.#requireHere();
    const { hooks, commit } = this.#work;
    const hook = hooks.get(id);
    hook.leave();
    return hook.changes.run(async () => {
      hooks.get(id);
      try {
        await hook.dead.settled();
        const webhook: Change = { type: "delete", space: webhookSpace, key: id };
        // What a crash in between leaves behind belongs to nobody, and goes at the next start.
        await commitInParts(commit, [webhook, ...hook.dead.removal, ...hook.lanes.removal]);
      } catch (error) {
        hook.stay();
        throw error;
      }
      hooks.delete(id);
      hook.stop();
    });
  }

  /** Those of these that there are. */
  views(ids: readonly string[]): readonly WebhookView[] {
    const found = ids.map((id) => this.#work.hooks.find(id));
    return found.flatMap((hook) => (hook === null ? [] : [viewOf(hook)]));
  }

  /** @throws {Problem} `not-found` */
  async test(id: string, signal: AbortSignal): Promise<AttemptView> {
    return this.#work.hooks.get(id).test(signal);
  }

  /** Recent attempts since the start of the process, oldest first. @throws {Problem} `not-found` */
  attempts(id: string, after: string | null, limit: number): Page<AttemptView> {
    const from = after === null ? 0 : Number.parseInt(after, 36);
    const { items, next } = this.#work.hooks.get(id).sender.history.page(from, limit);
    return { items, next: next?.toString(36) ?? null };
  }

  /** Deliveries that were given up, oldest first. @throws {Problem} `not-found` */
  async deadLetters(id: string, after: string | null, limit: number): Promise<Page<DeadLetter>> {
    return this.#work.hooks.get(id).dead.page(after, limit);
  }

  /** @throws {Problem} `not-found` */
  async replay(id: string, delivery: string, signal: AbortSignal): Promise<AttemptView> {
    return this.#work.hooks.get(id).replay(delivery, signal);
  }

  /** How many dead deliveries are now being replayed. @throws {Problem} `not-found` */
  replayAll(id: string): number {
    return this.#work.hooks.get(id).replayAll();
  }

  /** Drops what is under way, and keeps the places of all lanes, for so long as that does not take too long. */
  async close(): Promise<void> {
    this.#leaveDesk();
    await this.#followed?.close();
    await this.#work.close();
  }

  /** Whether it is disabled now: the endpoint has answered 410 to another cell, which knew the webhook as `known`. */
  async #gone(id: string, known: string): Promise<boolean> {
    const { store } = this.#deps;
    const isStill = async () => (await store.get(webhookSpace, id)) === known;
    return (await this.#work.hooks.find(id)?.gone(isStill)) ?? false;
  }

  /** Calls for this come to those who keep them; one that does not would forget it. */
  #requireHere(): void {
    if (this.#followed === null) return;
    const detail = "Another cell of the cluster keeps the webhooks";
    throw new Problem("no-owner", { detail, retryAfterSeconds: 2 });
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
