/** Payloads of 128 bytes that are numbered, so that who gets them sees what is missing; and the count of them. */
const marker = Buffer.from("seq=");
const digits = 5;
const size = 128;

/** Numbers start again from 0 here: so many distinct payloads are kept ready. */
export const cycle = 65_536;

/** One of the payloads; ASCII that needs no escaping in JSON. */
export function payloadText(sequence: number): string {
  return `${marker.toString()}${String(sequence % cycle).padStart(digits, "0")};`.padEnd(size, "x");
}

/** Where the number stands in bytes that hold such a payload. */
export function numberAt(bytes: Buffer, from = 0): number {
  return bytes.indexOf(marker, from) + marker.length;
}

/** Writes a number over the one that stands there. */
export function renumber(bytes: Buffer, at: number, sequence: number): void {
  let rest = sequence % cycle;
  for (let i = at + digits - 1; i >= at; i -= 1) {
    bytes[i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/**
 * Counts payloads in bytes as they come, whatever stands around them: MQTT, WebSocket, SSE. It looks at nothing else, so
 * that who reads is not what is measured.
 */
export class PayloadCounter {
  count = 0;
  /** How often a number was not the one after the last. */
  breaks = 0;
  #last = -1;
  #rest: Buffer | null = null;

  scan(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    for (;;) {
      const at = bytes.indexOf(marker, from);
      const end = at + marker.length + digits;
      if (at === -1 || end > bytes.length) {
        const keep = at === -1 ? Math.max(from, bytes.length - marker.length + 1) : at;
        this.#rest = keep < bytes.length ? Buffer.from(bytes.subarray(keep)) : null;
        return;
      }
      let sequence = 0;
      for (let i = at + marker.length; i < end; i += 1) sequence = sequence * 10 + (bytes[i] ?? 0) - 0x30;
      this.saw(sequence);
      from = end;
    }
  }

  saw(sequence: number): void {
    this.count += 1;
    if (this.#last !== -1 && sequence !== (this.#last + 1) % cycle) this.breaks += 1;
    this.#last = sequence;
  }
}
