import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";
import type { IpAddress } from "./address.ts";
import { classOf } from "./ranges.ts";

interface Listening {
  /** Null where it is every address of this machine. */
  readonly address: string | null;
  readonly port: number;
}

/** Where this server can itself be called, which it must not do for somebody: it knows when it listens. */
export class OwnAddresses {
  readonly #interfaces: typeof networkInterfaces;
  readonly #listening: Listening[] = [];

  constructor(interfaces: typeof networkInterfaces = networkInterfaces) {
    this.#interfaces = interfaces;
  }

  /**
   * The server listens there, too. A name other than `localhost` is taken for every address of this machine. Zones are
   * left out, as in what is asked about.
   */
  listening(hostname: string, port: number): void {
    const host = withoutZone(hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase());
    // The runtimes choose one of the two.
    for (const each of host === "localhost" ? ["127.0.0.1", "::1"] : [host]) {
      const address = ipaddr.isValid(each) ? ipaddr.process(each) : null;
      const isOne = address !== null && address.range() !== "unspecified";
      this.#listening.push({ address: isOne ? address.toString() : null, port });
    }
  }

  /** Addresses come and go, so that they are asked for each time. */
  has(address: IpAddress, port: number): boolean {
    const here = this.#listening.filter((each) => each.port === port);
    if (here.length === 0) return false;
    const text = address.toString();
    if (here.some((each) => each.address === text)) return true;
    if (here.every((each) => each.address !== null)) return false;
    return classOf(address) === "loopback" || (this.#ofThisMachine()?.has(text) ?? true);
  }

  /** Null where they are not told (Deno without `--allow-sys`): then any address may be one of them. */
  #ofThisMachine(): ReadonlySet<string> | null {
    const all = this.#known();
    if (all === null) return null;
    return new Set(all.map(({ address }) => ipaddr.process(withoutZone(address)).toString()));
  }

  #known() {
    try {
      return Object.values(this.#interfaces()).flatMap((some) => some ?? []);
    } catch {
      return null;
    }
  }
}

function withoutZone(address: string): string {
  return address.replace(/%.*$/, "");
}
