import type { AttemptEvent, Established } from "../broker/attempt-event.ts";
import { Attempt, type AttemptDeps } from "../broker/attempt.ts";
import { IncomingStore } from "../broker/incoming-store.ts";
import { PacketIds } from "../broker/packet-ids.ts";
import { encodePublish } from "../broker/publish-packet.ts";
import type { SessionState } from "../broker/session-state.ts";
import type { ReceivedMessage } from "../mqtt/message.ts";
import type { Failure, Stage } from "../broker/failure.ts";
import { Problem } from "../problem.ts";
import { Identity, type OwnClientIds } from "./identity.ts";
import { failureProblem } from "./problems.ts";
import { generateClientId, type ConnectionRequest } from "../request/connection-request.ts";
import { roundMs } from "./view.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import type { TopicFilter, TopicName } from "../mqtt/topic.ts";

/** One step of a probe. */
export interface ProbeStage {
  readonly name: Stage | "roundTrip";
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

export interface ProbeResult {
  readonly ok: boolean;
  readonly stages: readonly ProbeStage[];
  readonly established: Established | null;
  readonly problem: Problem | null;
  /** When the broker's certificate ends, in epoch milliseconds; null without TLS, or where it was not accepted. */
  readonly certificateEndsAt: number | null;
}

export interface ProbeOptions {
  readonly timeoutMs: number;
  /** Publishes to and receives from this topic name, too. */
  readonly roundTrip: TopicName | undefined;
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly clientIds: OwnClientIds;
  /** Hears of each stage as it ends. */
  readonly onStage?: (stage: ProbeStage) => void;
}

const done: Readonly<Record<Stage, string>> = {
  policy: "the destination is allowed",
  dns: "the host was resolved and may be connected to",
  tcp: "the network connection is open",
  tls: "the TLS handshake is complete",
  websocket: "the WebSocket upgrade was accepted",
  connack: "the broker accepted the connection",
  connected: "the connection is open",
};

/** Dials, reports each stage, disconnects, and keeps nothing. Null when `signal` aborted. */
export async function probe(
  request: ConnectionRequest,
  deps: AttemptDeps,
  options: ProbeOptions,
): Promise<ProbeResult | null> {
  if (options.signal.aborted) return null;
  const clientId = request.clientId ?? generateClientId(request.protocolVersion, options.random);
  const taken = Identity.refusal(options.clientIds, request.target, clientId);
  if (taken !== null) throw taken;
  const identity = Identity.take(options.clientIds, request.target, clientId);
  const run = new ProbeRun({ ...request, clientId }, deps, options, identity);
  const onAbort = () => run.cancel();
  options.signal.addEventListener("abort", onAbort, { once: true });
  try {
    const result = await run.result();
    return options.signal.aborted ? null : result;
  } finally {
    options.signal.removeEventListener("abort", onAbort);
    identity?.release();
  }
}

class ProbeRun {
  readonly #deps: AttemptDeps;
  readonly #options: ProbeOptions;
  readonly #stages: ProbeStage[] = [];
  readonly #outcome = Promise.withResolvers<Established | Failure>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #attempt: Attempt;
  #version: ProtocolVersion = "5";
  #onMessage: (message: ReceivedMessage) => void = () => {};
  #certificateEndsAt: number | null = null;
  #entered: { readonly stage: Stage; readonly at: number } | null = null;

  constructor(
    request: ConnectionRequest & { readonly clientId: string },
    deps: AttemptDeps,
    options: ProbeOptions,
    identity: Identity | null,
  ) {
    this.#deps = deps;
    this.#options = options;
    const timeoutMs = Math.min(options.timeoutMs, request.connectTimeoutMs);
    const session: SessionState = {
      incoming: new IncomingStore(),
      ids: new PacketIds(() => false),
      acknowledged: () => true,
      kept: null,
      received: (message) => this.#onMessage(message),
    };
    this.#attempt = new Attempt(
      {
        ...{ request, clientId: request.clientId, settledVersion: null, timeoutMs, session },
        admit: (address) => identity?.at(address) ?? null,
      },
      { ...deps, onCertificate: (endsAt) => (this.#certificateEndsAt = endsAt) },
      (event) => this.#on(event),
    );
  }

  cancel(): void {
    this.#attempt.cancel();
  }

  async result(): Promise<ProbeResult> {
    const outcome = await this.#outcome.promise;
    if ("code" in outcome) return this.#resultOf(null, failureProblem(outcome));
    const { roundTrip } = this.#options;
    const problem = roundTrip === undefined ? null : await this.#roundTrip(roundTrip);
    this.#attempt.disconnect({ reasonCode: 0, sessionExpiryInterval: undefined });
    await this.#ended.promise;
    return this.#resultOf(outcome, problem);
  }

  #resultOf(established: Established | null, problem: Problem | null): ProbeResult {
    const certificateEndsAt = Number.isNaN(this.#certificateEndsAt) ? null : this.#certificateEndsAt;
    return { ok: problem === null, stages: this.#stages, established, problem, certificateEndsAt };
  }

  #on(event: AttemptEvent): void {
    switch (event.type) {
      case "stage":
        this.#leave(true, null);
        this.#entered = { stage: event.stage, at: this.#deps.now() };
        return undefined;
      case "fallback":
        return this.#leave(false, event.failure);
      case "failed": {
        const { failure } = event;
        this.#leave(failure.stage !== this.#entered?.stage && failure.stage !== "tls", failure);
        return this.#outcome.resolve(failure);
      }
      case "connected":
        this.#leave(true, null);
        this.#version = event.established.protocolVersion;
        return this.#outcome.resolve(event.established);
      case "lost":
        return this.#ended.resolve();
      case "ready":
        return undefined;
      default:
        return event satisfies never;
    }
  }

  /** Ends the stage under way; a failure of another stage than the one that ran is a row of its own. */
  #leave(ok: boolean, failure: Failure | null): void {
    if (this.#entered === null) return;
    const { stage, at } = this.#entered;
    this.#entered = null;
    const ms = roundMs(this.#deps.now() - at);
    this.#end({ name: stage, ok, ms, detail: ok ? done[stage] : (failure?.detail ?? "failed") });
    if (ok && failure !== null) this.#end({ name: failure.stage, ok: false, ms: 0, detail: failure.detail });
  }

  #end(stage: ProbeStage): void {
    this.#stages.push(stage);
    this.#options.onStage?.(stage);
  }

  #publish(topic: TopicName, text: string): void {
    const message = {
      topic,
      payload: Buffer.from(text),
      qos: 0,
      retain: false,
      properties: undefined,
    } as const;
    this.#attempt.client?.sendPublish(encodePublish(message, this.#version).bytes);
  }

  async #roundTrip(topic: TopicName): Promise<Problem | null> {
    const started = this.#deps.now();
    const { client } = this.#attempt;
    const token = `connack-probe-${this.#options.random().toString(36).slice(2)}`;
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<true>();
    const { promise: late, resolve: expire } = Promise.withResolvers<string>();
    const timer = setTimeout(
      expire,
      this.#options.timeoutMs,
      `No message came back within ${this.#options.timeoutMs} ms`,
    );
    this.#onMessage = (message) => {
      if (message.topic === topic && message.payload.toString() === token) arrive(true);
    };
    void this.#ended.promise.then(() => expire("The connection was lost before the message came back"));
    // Taken as both kinds: a topic name without wildcards is a topic filter too.
    const granted = await Promise.race([
      client?.subscribe([{ topicFilter: topic as string as TopicFilter, qos: 0 }]) ?? null,
      late,
    ]);
    const refused = Array.isArray(granted) && (granted[0]?.reasonCode ?? 0x80) >= 0x80;
    if (Array.isArray(granted) && !refused) this.#publish(topic, token);
    const result = refused
      ? "The broker refused the subscription to the topic"
      : await Promise.race([arrived, late]);
    clearTimeout(timer);
    const ms = roundMs(this.#deps.now() - started);
    const detail = result === true ? "the message came back" : result;
    this.#end({ name: "roundTrip", ok: result === true, ms, detail });
    return result === true ? null : new Problem("round-trip-failed", { detail });
  }
}
