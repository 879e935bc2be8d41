import type { AppOverrides } from "../../src/app-overrides.ts";
import { createResolver } from "../../src/broker/resolver.ts";
import { Budget } from "../../src/budget.ts";
import { systemClock } from "../../src/clock.ts";
import { Messages } from "../../src/connection/messages.ts";
import { StoredTime } from "../../src/stored-time.ts";
import { createLogger } from "../../src/log.ts";
import { parseTopicName } from "../../src/mqtt/topic.ts";
import { plainSealer } from "../../src/sealing.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Change, Lease, Position, Store } from "../../src/store/store.ts";
import { OrderedLog } from "../../src/stream/log.ts";
import type { ConnectionLogs } from "../../src/webhooks/lanes.ts";
import type { Schedule } from "../../src/webhooks/schedule.ts";
import { webhookRequestSchema } from "../../src/webhooks/webhook.ts";
import { Webhooks } from "../../src/webhooks/webhooks.ts";
import { Dispatcher } from "../../src/webhooks/dispatcher.ts";
import { openPolicy } from "./policies.ts";
import { quick } from "./webhook-endpoint.ts";

/** A connection's logs without the connection. */
export class FakeConnection implements ConnectionLogs {
  readonly id: string;
  readonly log: OrderedLog;
  readonly session: { readonly messages: Messages };
  #events = 0;

  constructor(id: string, epoch: string, maxEntries = 1_000) {
    this.id = id;
    this.log = new OrderedLog(`${epoch}e`, { maxEntries, maxBytes: 10_000_000 });
    const messages = new Messages(`${epoch}m`, { maxEntries, maxBytes: 10_000_000 }, Date.now);
    this.session = { messages };
  }

  receive(topic: string, ...payloads: string[]): void {
    const parsed = parseTopicName(topic);
    if (!parsed.ok) throw new TypeError(parsed.detail);
    for (const payload of payloads) {
      const message = { qos: 0, retain: false, dup: false, properties: {} } as const;
      this.session.messages.append({ ...message, topic: parsed.value, payload: Buffer.from(payload) });
    }
  }

  happen(...types: string[]): void {
    for (const type of types) {
      this.#events += 1;
      const json = JSON.stringify({
        ...{ id: this.log.idOf(this.#events), type, at: new Date().toISOString(), connection: this.id },
      });
      this.log.append({ sequence: this.#events, type, json });
    }
  }

  close(): void {
    this.log.close();
    this.session.messages.log.close();
  }
}

/** Stands for the registry. */
export class FakeConnections {
  readonly #all = new Map<string, FakeConnection>();
  readonly #listeners = new Set<(connection: ConnectionLogs) => void>();

  all(): Iterable<FakeConnection> {
    return this.#all.values();
  }

  peek(id: string): FakeConnection | null {
    return this.#all.get(id) ?? null;
  }

  onAdded(listener: (connection: ConnectionLogs) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(connection: FakeConnection): FakeConnection {
    this.#all.set(connection.id, connection);
    for (const listener of this.#listeners) listener(connection);
    return connection;
  }
}

/** A store whose commits can be made to fail, or to wait. */
export class TestStore extends MemoryStore implements Store {
  /** What the next commits fail with; null when they do not. */
  failure: Error | null = null;
  /** What commits wait for before they are made. */
  gate: Promise<void> = Promise.resolve();
  commits = 0;

  override async commit(lease: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    this.commits += 1;
    await this.gate;
    if (this.failure !== null) throw this.failure;
    return super.commit(lease, changes);
  }

  async all(space: string): Promise<Record<string, string>> {
    const records = await this.records(space, null, 100_000);
    return Object.fromEntries(records.map(({ key, value }) => [key, value]));
  }
}

interface WebhookRig extends AsyncDisposable {
  readonly store: TestStore;
  readonly connections: FakeConnections;
  readonly webhooks: Webhooks;
  readonly logs: readonly string[];
  /** The reasons of all gaps, in order. */
  readonly gaps: readonly string[];
  create(request: object): Promise<{ id: string; secret: string | null }>;
}

interface RigOptions {
  readonly store?: TestStore;
  readonly connections?: FakeConnections;
  readonly schedule?: Schedule;
  readonly maxWebhookRequests?: number;
  readonly policy?: NonNullable<AppOverrides["policy"]>;
}

/** Webhooks over a store and connections, which may have been another one's before. */
export async function startWebhooks(options: RigOptions = {}): Promise<WebhookRig> {
  const { store = new TestStore("s"), connections = new FakeConnections(), schedule = quick } = options;
  const logs: string[] = [];
  const gaps: string[] = [];
  const write = (line: string) => void logs.push(line);
  const logger = createLogger({ level: "debug", format: "json", write, now: Date.now });
  const lease = await store.acquire();
  const webhooks = new Webhooks({
    ...{
      store,
      lease,
      connections,
      schedule,
      logger,
      sealer: plainSealer,
      clock: systemClock,
      time: await StoredTime.read(store, systemClock),
      random: () => 0,
    },
    budget: new Budget("", 1_000),
    onGap: (reason) => void gaps.push(reason),
    dispatcher: new Dispatcher(options.maxWebhookRequests ?? 64),
    delivery: {
      ...{ resolve: createResolver([]), policy: options.policy ?? openPolicy, maxPacketBytes: 0 },
      ...{ wall: Date.now, report: (error: unknown) => void logs.push(`"level":"error" ${String(error)}`) },
    },
  });
  await webhooks.restore();
  return {
    ...{ store, connections, webhooks, logs, gaps },
    create: async (request) => {
      const { view, secret } = await webhooks.create(webhookRequestSchema.parse(request));
      return { id: view.id, secret };
    },
    [Symbol.asyncDispose]: () => webhooks.close(),
  };
}
