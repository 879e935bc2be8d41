import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { SealError, type Sealer } from "../sealing.ts";
import type { Change, Store } from "../store/store.ts";
import type { Definitions } from "./definitions.ts";
import type { Hook } from "./hook.ts";
import type { Wanted } from "./lanes.ts";
import {
  commitInParts,
  cursorKey,
  cursorSpace,
  deadSpace,
  droppedSpace,
  knownSpace,
  readAll,
  type Place,
} from "./records.ts";
import { forgetUnclaimed } from "./restore.ts";
import { openSecrets } from "./secrets.ts";
import type { SigningKey, Unable } from "./sender.ts";
import { Serial } from "./serial.ts";
import type { Webhook } from "./webhook.ts";
import type { WorkingHooks } from "./working-hooks.ts";

export interface FollowedDeps {
  readonly store: Pick<Store, "records" | "get">;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly definitions: Definitions;
  /** Tells those who keep the webhook that its endpoint is gone; false where they have another form of it by now. */
  readonly tellGone: (webhook: string, known: string) => Promise<boolean>;
}

/** What could not be done is tried again so soon. */
const againMs = 1_000;

/**
 * The webhooks that another cell keeps, at work on the connections of this one. They come, change and go with the copy that
 * this node follows. Of each is kept here which lanes it had: so one that is heard of for the first time begins with what
 * happens from then on, and one that is heard of again goes on at its places, wherever this cell has been moved meanwhile.
 */
export class FollowedHooks {
  readonly #work: WorkingHooks;
  readonly #deps: FollowedDeps;
  /** The records that the hooks were made of. */
  readonly #texts = new Map<string, string>();
  readonly #turns = new Serial();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #unlisten: () => void = () => {};

  constructor(work: WorkingHooks, deps: FollowedDeps) {
    this.#work = work;
    this.#deps = deps;
  }

  /** Takes in what there is, and from then on what comes; what cannot be done yet is done later. */
  async begin(): Promise<void> {
    const { definitions } = this.#deps;
    this.#unlisten = definitions.onChange((id, isDeleted) => {
      // At once: what waits before it may wait for the store.
      if (isDeleted) this.#work.hooks.find(id)?.leave();
      void this.#turn(id, true);
    });
    for (const id of await definitions.ids()) await this.#turn(id, false);
    await forgetUnclaimed([...this.#work.hooks], this.#work.commit);
    void this.#tidy();
  }

  async close(): Promise<void> {
    this.#unlisten();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** The endpoint wants no more: that is so here at once, and everywhere when those have heard of it who keep the webhook. */
  async keepGone({ id }: Webhook): Promise<void> {
    const known = this.#texts.get(id);
    if (known !== undefined) void this.#tellGone(id, known);
  }

  async #tellGone(id: string, known: string): Promise<void> {
    const isStill = () =>
      this.#texts.get(id) === known && this.#work.hooks.find(id)?.webhook.standing.state === "disabled";
    if (!isStill() || this.#work.isClosed) return;
    try {
      // What it is instead is on its way here, or has come before it was of interest.
      if (!(await this.#deps.tellGone(id, known)) && isStill()) this.#later(() => this.#turn(id, true));
    } catch {
      this.#later(() => this.#tellGone(id, known));
    }
  }

  /** Looks at one when its turn comes, and once more later where that fails; `isTold` where it has been put or deleted. */
  #turn(id: string, isTold: boolean): Promise<void> {
    return this.#turns
      .run(() => this.#look(id, isTold))
      .catch((error: unknown) => {
        if (this.#work.isClosed) return;
        this.#deps.logger.warn("webhook: what has become of it cannot be kept yet", {
          webhook: id,
          detail: String(error),
        });
        this.#later(() => this.#turn(id, isTold));
      });
  }

  async #look(id: string, isTold: boolean): Promise<void> {
    if (this.#work.isClosed) return;
    const hook = this.#work.hooks.find(id);
    const text = await this.#deps.definitions.get(id);
    if (text === null) await this.#forget(id, hook);
    else if (hook === null) await this.#load(id, text);
    // The same form once more is somebody's wish that it goes on.
    else if (isTold || this.#texts.get(id) !== text) await this.#change(hook, text);
  }

  async #load(id: string, heard: string): Promise<void> {
    const { store, definitions } = this.#deps;
    const known = await store.get(knownSpace, id);
    let text = heard;
    if (known !== null && known !== wantedText(JSON.parse(text) as Webhook)) {
      // It has changed, or this node's copy is older than that of the node which had this cell before.
      await definitions.caughtUp();
      const now = await definitions.get(id);
      if (now === null) return this.#forget(id, null);
      text = now;
    }
    const webhook = JSON.parse(text) as Webhook;
    const { keys, unable } = await this.#open(webhook);
    const hook = this.#work.make(webhook, keys, unable);
    await hook.dead.restore();
    for await (const { key, value } of readAll(store, cursorSpace, cursorKey(id, "")))
      hook.lanes.place(key.slice(cursorKey(id, "").length), JSON.parse(value) as Place);
    if (known !== wantedText(webhook)) {
      const had = known === null ? null : (JSON.parse(known) as Wanted);
      await this.#work.keep(hook, webhook, putKnown(webhook), had);
    }
    this.#texts.set(id, text);
    this.#work.enter(hook);
  }

  #change(hook: Hook, text: string): Promise<void> {
    return hook.changes.run(async () => {
      const webhook = JSON.parse(text) as Webhook;
      const { keys, unable } = await this.#open(webhook);
      if (wantedText(hook.webhook) !== wantedText(webhook)) {
        // What it was must not be delivered any more, even where it cannot be kept what it is.
        hook.leave();
        await this.#work.keep(hook, webhook, putKnown(webhook));
      }
      if (this.#work.isClosed) return;
      this.#texts.set(webhook.id, text);
      hook.change(webhook, keys, unable);
      hook.stay();
      this.#work.attach(hook);
    });
  }

  async #forget(id: string, hook: Hook | null): Promise<void> {
    const { store } = this.#deps;
    hook?.leave();
    await hook?.dead.settled();
    const going: Change[] = [...(hook?.dead.removal ?? removalOfDead(id)), ...(hook?.lanes.removal ?? [])];
    for await (const { key } of readAll(store, cursorSpace, cursorKey(id, "")))
      going.push({ type: "delete", space: cursorSpace, key });
    // Last: what a crash in between leaves behind is looked for by it.
    if (hook !== null || (await store.get(knownSpace, id)) !== null)
      await commitInParts(this.#work.commit, [...going, { type: "delete", space: knownSpace, key: id }]);
    this.#texts.delete(id);
    this.#work.hooks.delete(id);
    hook?.stop();
  }

  /** Forgets those that were deleted while nobody had this cell. */
  async #tidy(): Promise<void> {
    const { store, definitions } = this.#deps;
    try {
      // A copy that is behind may not have what is known here.
      await definitions.caughtUp();
      for await (const { key } of readAll(store, knownSpace))
        if ((await definitions.get(key)) === null) await this.#turn(key, true);
    } catch {
      this.#later(() => this.#tidy());
    }
  }

  /** What it signs with; or why it cannot, which must not be silent: its deliveries wait for it. */
  async #open(
    webhook: Webhook,
  ): Promise<{ readonly keys: readonly SigningKey[]; readonly unable: Unable | null }> {
    const { sealer, clock, logger } = this.#deps;
    try {
      return { keys: await openSecrets(sealer, webhook), unable: null };
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      const detail = `A node of the cluster cannot sign for the connections that it has: ${error.message}`;
      logger.error("webhook delivers nothing here: its secret cannot be opened on this node", {
        webhook: webhook.id,
        detail: error.message,
      });
      const code = error.kind === "unknown-key" ? "secret-key-unknown" : "secret-damaged";
      return { keys: [], unable: { code, detail, at: clock.wall() } };
    }
  }

  #later(task: () => Promise<void>): void {
    if (this.#work.isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void task();
    }, againMs);
    this.#timers.add(timer);
  }
}

/** Which lanes it has. */
function wantedText({ connection, topics, events }: Webhook): string {
  return JSON.stringify({ connection, topics, events } satisfies Wanted);
}

function putKnown(webhook: Webhook): Change {
  return { type: "put", space: knownSpace, key: webhook.id, value: wantedText(webhook) };
}

function removalOfDead(id: string): readonly Change[] {
  return [
    { type: "clear", space: deadSpace(id) },
    { type: "delete", space: droppedSpace, key: id },
  ];
}
