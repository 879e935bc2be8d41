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
