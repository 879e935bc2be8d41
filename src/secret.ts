const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * A value that must never be shown. It prints, serialises and inspects as `***`; only {@link Secret.reveal}
 * gives the value, and that is called where it goes to the wire.
 */
export class Secret<T extends string | Uint8Array = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  /** Whether both hold the same value; used to tell whether a request was changed. */
  equals(other: Secret<string | Uint8Array>): boolean {
    return Buffer.from(this.#value).equals(Buffer.from(other.#value));
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect](): string {
    return "***";
  }
}
