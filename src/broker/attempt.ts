import type { ConnectionRequest } from "../request/connection-request.ts";
import { version5Fields } from "../request/connection-request.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { Client } from "./client.ts";
import type { ClientEvent, DisconnectOptions } from "./client-event.ts";
import type { Connack } from "./connack.ts";
import { AttemptError, type Failure, type Stage } from "./failure.ts";
import { KeepAlive } from "./keep-alive.ts";
import { paceReading, type ReadingPace } from "./reading-pace.ts";
import type { SessionState } from "./session-state.ts";
import { noTimings, timingNames, type Timings } from "./timings.ts";
import { openTransport, type TransportDeps } from "./transport.ts";
import type { Turnstile } from "./turnstile.ts";
import {
  cancelledFailure,
  closedFailure,
  internalFailure,
  isFallbackCause,
  lostFailure,
  refusedFailure,
  timeoutFailure,
  violationFailure,
} from "./verdict.ts";

/** What CONNACK success settled. */
export interface Established {
  readonly connack: Connack;
  readonly protocolVersion: ProtocolVersion;
  readonly clientId: string;
  readonly address: string;
}

/** A DISCONNECT of our own that a broken protocol made necessary. */
export interface SentDisconnect {
  readonly reasonCode: number;
}

/**
 * What an attempt tells its owner: `stage` as it goes on, then either `failed`, or `connected` followed by `ready` and
 * in the end by `lost`. Nothing comes after `failed` or `lost`. `fallback`: the broker would not have the first version
 * of `auto`, and the stages begin again with the second.
 */
export type AttemptEvent =
  | { readonly type: "stage"; readonly stage: Stage }
  | { readonly type: "fallback"; readonly failure: Failure }
  | { readonly type: "failed"; readonly failure: Failure }
  | { readonly type: "connected"; readonly established: Established }
  | { readonly type: "ready" }
  | { readonly type: "lost"; readonly failure: Failure; readonly sent: SentDisconnect | null };

export interface AttemptOptions {
  readonly request: ConnectionRequest;
  /** The client id to send; `""` asks the broker for one. */
  readonly clientId: string;
  /** The version that `auto` settled on before; null while it has not. */
  readonly settledVersion: ProtocolVersion | null;
  readonly timeoutMs: number;
  readonly session: SessionState;
  /** Made whether or not there are too many. */
  readonly isExempt?: boolean;
}

export interface AttemptDeps extends TransportDeps {
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number;
  /** Hears of errors that are defects of ours; the attempt fails with `internal-error`. */
  readonly report: (error: unknown) => void;
  /** Absent where all attempts are made, and nobody counts. */
  readonly turnstile?: Turnstile;
  /** Read from one broker at most; 0 or absent for no bound. */
  readonly maxInboundBytesPerSecond?: number;
}

/** One try to connect, from the name look-up to the end of the network connection. */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #deps: AttemptDeps;
  readonly #emit: (event: AttemptEvent) => void;
  /** Ends what is under way; null when CONNACK success has come, because it is not small. */
  #abort: AbortController | null;
  readonly #where: string;
  readonly #timings: { -readonly [K in keyof Timings]: Timings[K] } = { ...noTimings };
  #stage: Stage = "dns";
  #stageSince: number;
  #client: Client | null = null;
  #keepAlive: KeepAlive | null = null;
  #pace: ReadingPace | null = null;
  #disconnect: Extract<ClientEvent, { type: "disconnect" }> | null = null;
  /** Why the network connection is ended from here. */
  #violation: Failure | null = null;
  #sent: SentDisconnect | null = null;
  #silent = false;

  constructor(options: AttemptOptions, deps: AttemptDeps, emit: (event: AttemptEvent) => void) {
    const { host, port } = options.request.target;
    this.#options = options;
    this.#deps = deps;
    this.#emit = emit;
    this.#where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    this.#stageSince = deps.now();
    this.#abort = new AbortController();
    void this.#run(this.#abort);
  }

  get timings(): Timings {
    return this.#timings;
  }

  get client(): Client | null {
    return this.#client;
  }

  get keepAlive(): KeepAlive | null {
    return this.#keepAlive;
  }

  /** Sends DISCONNECT and closes; `lost` follows. */
  disconnect(options: DisconnectOptions): void {
    if (this.#client === null) this.cancel();
    else this.#client.disconnect(options);
  }

  /** Drops everything at once, without DISCONNECT; the last event follows unless it has come. */
  cancel(): void {
    this.#abort?.abort(new AttemptError(cancelledFailure(this.#stage)));
    this.#client?.destroy();
  }

  /** Drops an open network connection for a reason of ours, without DISCONNECT: what is unacknowledged is the broker's. */
  drop(failure: Failure): void {
    if (this.#stage !== "connected") return;
    this.#violation ??= failure;
    this.#client?.destroy();
  }

  async #run(abort: AbortController): Promise<void> {
    const { timeoutMs, request, settledVersion } = this.#options;
    const deadline = setTimeout(
      () => abort.abort(new AttemptError(timeoutFailure(this.#stage, timeoutMs, this.#where))),
      timeoutMs,
    );
    const asked = request.protocolVersion;
    const version = asked === "auto" ? (settledVersion ?? "5") : asked;
    const mayFallBack = asked === "auto" && settledVersion === null && version5Fields(request).length === 0;
    try {
      const refusal = this.#options.isExempt === true ? null : (this.#deps.turnstile?.admit() ?? null);
      if (refusal !== null) await this.#refuse(refusal);
      await this.#open(version, abort.signal).catch((error: unknown) => {
        if (!mayFallBack || !(error instanceof AttemptError) || !isFallbackCause(error.failure)) throw error;
        this.#emit({ type: "fallback", failure: this.#failureOf(error) });
        return this.#open("3.1.1", abort.signal);
      });
    } catch (error) {
      this.#markStageEnd();
      const failure = this.#failureOf(error);
      this.#deps.turnstile?.ended(failure.code);
      this.#emit({ type: "failed", failure });
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Later, and not within the constructor: the owner has no name for this yet. */
  #refuse(failure: Failure): Promise<never> {
    this.#enter("policy");
    return Promise.reject(new AttemptError(failure));
  }

  #failureOf(error: unknown): Failure {
    if (error instanceof AttemptError) return error.failure;
    this.#deps.report(error);
    return internalFailure(this.#stage);
  }

  /** One network connection up to its CONNACK; `connected` is emitted before this resolves. */
  async #open(protocolVersion: ProtocolVersion, signal: AbortSignal): Promise<void> {
    const { request, session, clientId } = this.#options;
    const { stream, address, error } = await openTransport(request, this.#deps, signal, (stage) =>
      this.#enter(stage),
    );
    this.#enter("connack");
    const closed = (cause: unknown) => closedFailure(cause ?? error(), this.#where, protocolVersion);
    // Its "close" has been emitted, and nobody would hear of it.
    if (stream.destroyed) throw new AttemptError(closed(null));
    return new Promise((resolve, reject) => {
      const fail = (failure: Failure) => {
        signal.removeEventListener("abort", onAbort);
        client.destroy();
        if (this.#client === client) this.#client = null;
        reject(new AttemptError(failure));
      };
      const onAbort = () => fail(this.#failureOf(signal.reason));
      const beforeConnack = (event: ClientEvent) => {
        if (event.type === "violation") fail(violationFailure(event.violation, "connack"));
        else if (event.type === "closed") fail(closed(event.error));
        else if (event.type === "connack") {
          if (event.connack.reasonCode !== 0) return fail(refusedFailure(event.connack, protocolVersion));
          signal.removeEventListener("abort", onAbort);
          const assigned = event.connack.properties["assignedClientIdentifier"];
          this.#connected(client, {
            connack: event.connack,
            protocolVersion,
            address,
            clientId: typeof assigned === "string" ? assigned : clientId,
          });
          resolve();
        }
      };
      this.#pace = paceReading(stream, this.#deps);
      const fields = { request, protocolVersion, clientId };
      const client = new Client(stream, fields, session, this.#deps, beforeConnack);
      this.#client = client;
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Lets go of all that opening needed: a connection may last for months, and there are many. */
  #connected(client: Client, established: Established): void {
    this.#abort = null;
    client.tell((event) => this.#onClient(event));
    this.#markStageEnd();
    this.#stage = "connected";
    this.#deps.turnstile?.ended("connected");
    this.#deps.turnstile?.enter(client);
    this.#emit({ type: "connected", established });
  }

  /** Starts to watch over the connection; `keepAlive` in seconds, as negotiated. */
  watch(keepAlive: number): void {
    const client = this.#client;
    if (client === null) return;
    if (this.#pace !== null) this.#pace.keepAlive = keepAlive;
    this.#keepAlive = new KeepAlive(keepAlive, client, this.#deps.now, () => {
      this.#silent = true;
      client.destroy();
    });
  }

  #onClient(event: ClientEvent): void {
    switch (event.type) {
      case "pong":
        return this.#keepAlive?.pong();
      case "ready":
        return this.#emit({ type: "ready" });
      case "disconnect":
        this.#disconnect = event;
        return undefined;
      case "violation":
        this.#violation = violationFailure(event.violation, "connected");
        if (event.violation.kind === "too-large") this.#deps.turnstile?.refused("CONNACK_MAX_PACKET_BYTES");
        this.#sent = event.told ? { reasonCode: event.violation.reasonCode } : null;
        return undefined;
      case "closed": {
        this.#keepAlive?.stop();
        if (this.#client !== null) this.#deps.turnstile?.leave(this.#client);
        const failure =
          this.#violation ??
          lostFailure(
            { disconnect: this.#disconnect, silent: this.#silent, error: event.error },
            this.#where,
          );
        return this.#emit({ type: "lost", failure, sent: this.#sent });
      }
      case "connack":
        return undefined;
      default:
        return event satisfies never;
    }
  }

  #enter(stage: Stage): void {
    this.#markStageEnd();
    this.#stage = stage;
    this.#emit({ type: "stage", stage });
  }

  #markStageEnd(): void {
    const at = this.#deps.now();
    if (this.#stage in timingNames)
      this.#timings[timingNames[this.#stage as keyof typeof timingNames]] = at - this.#stageSince;
    this.#stageSince = at;
  }
}
