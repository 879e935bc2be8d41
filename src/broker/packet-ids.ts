const most = 65_535;

/**
 * The packet identifiers of one session (MQTT 5 §2.2.1): PUBLISH, SUBSCRIBE and UNSUBSCRIBE share them. Those of
 * messages in flight outlive a network connection; those that mqtt.js takes for the rest do not.
 */
export class PacketIds {
  readonly #isInFlight: (id: number) => boolean;
  /** Null while there are none: there are many connections, and they rarely subscribe. */
  #others: Set<number> | null = null;
  #last = 0;

  constructor(isInFlight: (id: number) => boolean) {
    this.#isInFlight = isInFlight;
  }

  /** The next free one in turn, so that a late acknowledgement does not meet a new packet; null when all are taken. */
  next(): number | null {
    for (let tries = 0; tries < most; tries += 1) {
      this.#last = (this.#last % most) + 1;
      if (!this.#isInFlight(this.#last) && this.#others?.has(this.#last) !== true) return this.#last;
    }
    return null;
  }

  /** From here on, what mqtt.js asks of a provider. */
  allocate(): number | null {
    const id = this.next();
    if (id !== null) (this.#others ??= new Set()).add(id);
    return id;
  }

  getLastAllocated(): number {
    return this.#last;
  }

  register(id: number): boolean {
    if (this.#isInFlight(id) || this.#others?.has(id) === true) return false;
    (this.#others ??= new Set()).add(id);
    return true;
  }

  deallocate(id: number): void {
    this.#others?.delete(id);
  }

  /** mqtt.js says that a network connection begins: what it had asked on the one before will not be answered. */
  clear(): void {
    this.#others = null;
  }
}
