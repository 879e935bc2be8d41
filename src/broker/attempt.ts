import type { ConnectionRequest } from "../request/connection-request.ts";
import { version5Fields } from "../request/connection-request.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import type { AttemptEvent, Established, SentDisconnect } from "./attempt-event.ts";
import { Client } from "./client.ts";
import type { ClientEvent, DisconnectOptions } from "./client-event.ts";
import { forbiddenFailure } from "./egress.ts";
import { AttemptError, type Failure, type Stage } from "./failure.ts";
import { KeepAlive } from "./keep-alive.ts";
import { paceReading, type ReadingPace } from "./reading-pace.ts";
import type { SessionState } from "./session-state.ts";
import type { Address } from "./resolver.ts";
import { StageTimer, type Timings } from "./stage-timer.ts";
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

export interface AttemptOptions {
  readonly request: ConnectionRequest;
  /** The client id to send; `""` asks the broker for one. */
  readonly clientId: string;
  /** The version that `auto` settled on before; null while it has not. */
  readonly settledVersion: ProtocolVersion | null;
  readonly timeoutMs: number;
  readonly session: SessionState;
  /** Asked before CONNECT is sent, with the address that was dialled; a failure ends the attempt. */
  readonly admit: (address: string) => Failure | null;
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

/** "Disconnect with Will Message" (MQTT 5 §3.14.2.1). */
const disconnectWithWill = 0x04;

/** One try to connect, from the name look-up to the end of the network connection. */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #deps: AttemptDeps;
  readonly #emit: (event: AttemptEvent) => void;
  /** Ends what is under way; null when CONNACK success has come, because it is not small. */
  #abort: AbortController | null;
  readonly #where: string;
  readonly #timer: StageTimer;
  /** What was checked for it, until CONNACK success: then it is the address in that. */
  #addresses: readonly Address[] = [];
  #established: Established | null = null;
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
    this.#timer = new StageTimer(deps.now);
    this.#abort = new AbortController();
    void this.#run(this.#abort);
  }

  get timings(): Timings {
    return this.#timer.timings;
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
    this.#abort?.abort(new AttemptError(cancelledFailure(this.#timer.stage)));
    this.#client?.destroy();
  }

  /** Drops an open network connection for a reason of ours, without DISCONNECT: what is unacknowledged is the broker's. */
  drop(failure: Failure): void {
    if (this.#timer.stage !== "connected") return;
    this.#violation ??= failure;
    this.#client?.destroy();
  }

  /** Ends it where the policy forbids by now what it allowed, and tells whether; the broker publishes the will. */
  recheck(): boolean {
    const { host, port } = this.#options.request.target;
    const at = this.#established === null ? this.#addresses : [this.#established];
    const isAllowed = at.every(({ address }) => this.#deps.policy.check(host, port, address));
    if (isAllowed || this.#violation !== null) return false;
    this.#violation = forbiddenFailure;
    this.#abort?.abort(new AttemptError(forbiddenFailure));
    if (this.#established?.protocolVersion === "5") {
      this.#sent = { reasonCode: disconnectWithWill };
      this.#client?.disconnect({ ...this.#sent, sessionExpiryInterval: undefined });
      // Before MQTT 5 a DISCONNECT says that all is well, and the broker would drop the will (3.1.1 §3.14.4).
    } else this.#client?.destroy();
    return true;
  }

  async #run(abort: AbortController): Promise<void> {
    const { timeoutMs, request, settledVersion } = this.#options;
    const deadline = setTimeout(
      () => abort.abort(new AttemptError(timeoutFailure(this.#timer.stage, timeoutMs, this.#where))),
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
      this.#timer.mark();
      const failure = this.#failureOf(error);
      this.#deps.turnstile?.failed(failure);
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
    return internalFailure(this.#timer.stage);
  }

  /** One network connection up to its CONNACK; `connected` is emitted before this resolves. */
  async #open(protocolVersion: ProtocolVersion, signal: AbortSignal): Promise<void> {
    const { request, session, clientId } = this.#options;
    const { stream, address, error } = await openTransport(
      request,
      this.#deps,
      signal,
      (stage) => this.#enter(stage),
      (addresses) => (this.#addresses = addresses),
    );
    const refusal = this.#options.admit(address);
    if (refusal !== null) {
      stream.destroy();
      throw new AttemptError(refusal);
    }
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
    this.#addresses = [];
    this.#established = established;
    this.#timer.enter("connected");
    this.#deps.turnstile?.connected(this.#timer.timings);
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
        this.#deps.turnstile?.lost(failure);
        return this.#emit({ type: "lost", failure, sent: this.#sent });
      }
      case "connack":
        return undefined;
      default:
        return event satisfies never;
    }
  }

  #enter(stage: Stage): void {
    this.#timer.enter(stage);
    this.#emit({ type: "stage", stage });
  }
}
