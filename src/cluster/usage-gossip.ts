import type { NatsConnection, Subscription } from "@nats-io/nats-core";
import type { Shares } from "../shares.ts";
import { decodeStatement, encodeStatement } from "./usage-statement.ts";
import { Usage } from "./usage.ts";

export interface UsageGossipOptions {
  readonly connection: NatsConnection;
  /** The first word of all subjects. */
  readonly name: string;
  /** This one. */
  readonly node: string;
  /** Those that are taken for alive, this one among them. */
  readonly members: () => readonly string[];
  /** Calls `listener` when those may have changed, until the returned function is called. */
  readonly onChange: (listener: () => void) => () => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

const tellEveryMs = 250;
/** What is urgent at about the same time is told at once. */
const soonMs = 10;

/**
 * {@link Usage} over NATS, by plain messages that nothing keeps: each statement that counts is followed by another one soon.
 * Those that are sent while there is no connection come when there is one.
 */
export class UsageGossip implements Disposable {
  readonly #options: UsageGossipOptions;
  readonly #usage: Usage;
  #subscription: Subscription | null = null;
  #unlisten: () => void = () => {};
  #ticking: ReturnType<typeof setInterval> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;

  constructor(options: UsageGossipOptions) {
    const { connection, name, node, members, now } = options;
    this.#options = options;
    this.#usage = new Usage({
      ...{ node, members, now },
      send: (statement) => {
        if (!connection.isClosed()) connection.publish(subjectOf(name), encodeStatement(statement));
      },
      hurry: () => {
        this.#soon ??= setTimeout(() => {
          this.#soon = undefined;
          this.#usage.tellSoon();
        }, soonMs);
      },
    });
  }

  begin(): void {
    const { connection, name, onChange } = this.#options;
    this.#subscription = connection.subscribe(subjectOf(name), {
      callback: (error, message) => {
        const statement = error === null ? decodeStatement(message.string()) : null;
        if (statement !== null) this.#usage.receive(statement);
      },
    });
    this.#unlisten = onChange(() => this.#usage.membersChanged());
    this.#usage.membersChanged();
    this.#ticking = setInterval(() => this.#usage.tick(), tellEveryMs);
  }

  entered(tenant: string, shares: Shares): void {
    this.#usage.entered(tenant, shares);
  }

  left(tenant: string): void {
    this.#usage.left(tenant);
  }

  /** Tells at once what has changed, for somebody else has it in a moment. */
  tell(): void {
    this.#usage.tick();
  }

  [Symbol.dispose](): void {
    this.#unlisten();
    if (!this.#options.connection.isClosed()) this.#subscription?.unsubscribe();
    clearInterval(this.#ticking);
    clearTimeout(this.#soon);
  }
}

function subjectOf(name: string): string {
  return `${name}.usage`;
}
