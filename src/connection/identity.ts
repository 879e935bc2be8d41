import type { Failure } from "../broker/failure.ts";
import { Problem } from "../problem.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";
import { failureProblem } from "./problems.ts";

const taken: Failure = {
  stage: "policy",
  code: "client-id-in-use",
  detail: "Another tenant of this server uses this client id at this broker",
  retryable: false,
  hint: "Choose another clientId, or leave it out: then one is generated that nobody else has.",
};

interface Holder {
  readonly tenant: string;
  count: number;
}

/**
 * Which tenant uses which client id at which broker. A broker ends the network connection of whoever had a client id before
 * (MQTT 5 §3.1.4-3), and gives its session to whoever comes: one tenant must not be able to do that to another.
 */
export class ClientIds {
  readonly #holders = new Map<string, Holder>();

  isFree(tenant: string, key: string): boolean {
    const holder = this.#holders.get(key);
    return holder === undefined || holder.tenant === tenant;
  }

  hold(tenant: string, key: string): void {
    const holder = this.#holders.get(key);
    if (holder === undefined) this.#holders.set(key, { tenant, count: 1 });
    else holder.count += 1;
  }

  letGo(key: string): void {
    const holder = this.#holders.get(key);
    if (holder === undefined) return;
    holder.count -= 1;
    if (holder.count === 0) this.#holders.delete(key);
  }
}

/** The client ids of all, as one tenant may use them. */
export interface OwnClientIds {
  readonly all: ClientIds;
  readonly tenant: string;
}

/**
 * A client id in use at a broker: by the name of the broker for as long as the connection is there, and by the address that
 * was dialled last, since one broker may have several names.
 */
export class Identity {
  readonly #ids: OwnClientIds;
  readonly #port: number;
  readonly #clientId: string;
  readonly #byName: string;
  #byAddress: string | null = null;
  #isReleased = false;

  private constructor(ids: OwnClientIds, { host, port }: ConnectionRequest["target"], clientId: string) {
    this.#ids = ids;
    this.#port = port;
    this.#clientId = clientId;
    this.#byName = this.#key(host.toLowerCase().replace(/\.$/, ""));
    ids.all.hold(ids.tenant, this.#byName);
  }

  /** Null where there is nothing to be taken: the broker assigns a client id. Whether it is free is another matter. */
  static take(ids: OwnClientIds, target: ConnectionRequest["target"], clientId: string): Identity | null {
    return clientId === "" ? null : new Identity(ids, target, clientId);
  }

  /** The problem where another tenant has it. To be asked before it is taken. */
  static refusal(
    { all, tenant }: OwnClientIds,
    { host, port }: ConnectionRequest["target"],
    clientId: string,
  ): Problem | null {
    const key = keyOf(host.toLowerCase().replace(/\.$/, ""), port, clientId);
    return clientId === "" || all.isFree(tenant, key) ? null : failureProblem(taken);
  }

  /** Holds it at the address that is dialled; the failure of the attempt where another tenant has it there. */
  at(address: string): Failure | null {
    const key = this.#key(address.replace(/^::ffff:/i, ""));
    if (key === this.#byAddress || this.#isReleased) return null;
    const { all, tenant } = this.#ids;
    if (!all.isFree(tenant, key)) return taken;
    all.hold(tenant, key);
    if (this.#byAddress !== null) all.letGo(this.#byAddress);
    this.#byAddress = key;
    return null;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#ids.all.letGo(this.#byName);
    if (this.#byAddress !== null) this.#ids.all.letGo(this.#byAddress);
  }

  #key(place: string): string {
    return keyOf(place, this.#port, this.#clientId);
  }
}

function keyOf(place: string, port: number, clientId: string): string {
  return `${place} ${port} ${clientId}`;
}
