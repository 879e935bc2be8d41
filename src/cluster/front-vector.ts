/** Before the oldest event that a cell has. */
export const earliest = "earliest";

/** First in every text, so that another form can be told apart. */
const form = 1;
/** Longer than one of 1,000 cells. */
const mostText = 8_192;
const mostSequence = 999_999_999_999_999;
const own = /^(.{1,64})-(0|[1-9]\d{0,14})$/;
const packed = /^([0-9a-f]{2})+$/;

/**
 * Where a reader of all cells is: after which event of each. As a text it is short, opaque, and of one spelling: base64url of
 * the form; how many cells; the epochs that their ids have, which is one where they share a store; the least sequence
 * number; and for each cell 0 for {@link earliest}, or by how much its number is larger, plus 1, with the epoch's number
 * where there are several. Numbers are varints (seven bits a byte, the lowest first). Twelve cells with a billion events
 * each come to about a hundred characters.
 */
export class Vector {
  readonly #epochs: string[] = [];
  /** Of each cell's id: which of the epochs, and the number; -1 before the oldest. */
  readonly #epochOf: number[];
  readonly #sequences: number[];
  /** What precedes the least number, and changes with the epochs alone. */
  #head: Buffer | null = null;
  #scratch = Buffer.alloc(256);

  /** `ids` are those of the cells, in order, or {@link earliest}. @throws {RangeError} where one is neither */
  constructor(ids: readonly string[]) {
    this.#epochOf = ids.map(() => 0);
    this.#sequences = ids.map(() => -1);
    for (const [cell, id] of ids.entries()) this.set(cell, id);
  }

  /** The vector that a text stands for; null where it is none of so many cells. */
  static parse(text: string, cells: number): Vector | null {
    if (text.length > mostText || !/^[\w-]+$/.test(text)) return null;
    const ids = idsIn(Buffer.from(text, "base64url"), cells);
    if (ids === null) return null;
    const vector = new Vector(ids);
    // One spelling each, so that what decodes by chance is found out.
    return vector.text() === text ? vector : null;
  }

  get ids(): string[] {
    return this.#sequences.map((_, cell) => this.idOf(cell));
  }

  /** The cell's own id of the last event that was read of it. */
  idOf(cell: number): string {
    const sequence = this.#sequences[cell] ?? -1;
    return sequence === -1 ? earliest : `${this.#epochs[this.#epochOf[cell] ?? 0]}-${sequence}`;
  }

  /** @throws {RangeError} */
  set(cell: number, id: string): void {
    if (id === earliest) {
      if (this.#sequences[cell] === -1) return;
      this.#sequences[cell] = -1;
      this.#tidyEpochs();
      return;
    }
    const dash = id.lastIndexOf("-");
    const digits = id.slice(dash + 1);
    const sequence = Number(digits);
    // Most of the time it is the next one of the same log.
    if (
      !Number.isInteger(sequence) ||
      sequence > mostSequence ||
      String(sequence) !== digits ||
      this.#sequences[cell] === -1 ||
      id.slice(0, dash) !== this.#epochs[this.#epochOf[cell] ?? 0]
    )
      this.#setEpoch(cell, id);
    this.#sequences[cell] = sequence;
  }

  /** As it would be with another id of one cell. */
  with(cell: number, id: string): Vector {
    return new Vector(this.ids.map((other, i) => (i === cell ? id : other)));
  }

  text(): string {
    const head = (this.#head ??= this.#encodeHead());
    const several = this.#epochs.length > 1;
    const most = head.length + 8 + this.#sequences.length * (several ? 10 : 8);
    if (this.#scratch.length < most) this.#scratch = Buffer.alloc(most);
    const bytes = this.#scratch;
    let least = Infinity;
    for (const sequence of this.#sequences) if (sequence !== -1 && sequence < least) least = sequence;
    if (least === Infinity) least = 0;
    head.copy(bytes);
    let at = putVarint(bytes, head.length, least);
    for (let cell = 0; cell < this.#sequences.length; cell += 1) {
      const sequence = this.#sequences[cell] ?? -1;
      at = putVarint(bytes, at, sequence === -1 ? 0 : sequence - least + 1);
      if (several && sequence !== -1) at = putVarint(bytes, at, this.#epochOf[cell] ?? 0);
    }
    return bytes.toString("base64url", 0, at);
  }

  #setEpoch(cell: number, id: string): void {
    const [, epoch, digits] = own.exec(id) ?? [];
    if (epoch === undefined || !Number.isSafeInteger(Number(digits)))
      throw new RangeError(`A cell's event has an id of another form: ${id.slice(0, 100)}`);
    this.#sequences[cell] = 0;
    let index = this.#epochs.indexOf(epoch);
    if (index === -1) index = this.#epochs.push(epoch) - 1;
    this.#epochOf[cell] = index;
    this.#tidyEpochs();
  }

  /** Those that some cell has, in the order of cells: of what was before nothing is left. */
  #tidyEpochs(): void {
    const before = [...this.#epochs];
    const epochs = this.#sequences.map((sequence, cell) =>
      sequence === -1 ? null : (before[this.#epochOf[cell] ?? 0] ?? null),
    );
    this.#epochs.splice(0, this.#epochs.length, ...new Set(epochs.filter((epoch) => epoch !== null)));
    for (const [cell, epoch] of epochs.entries())
      this.#epochOf[cell] = epoch === null ? 0 : this.#epochs.indexOf(epoch);
    this.#head = null;
  }

  #encodeHead(): Buffer {
    const epochs = this.#epochs.map((epoch) => {
      const isPacked = packed.test(epoch);
      return { isPacked, bytes: Buffer.from(epoch, isPacked ? "hex" : "utf8") };
    });
    const bytes = Buffer.alloc(24 + epochs.reduce((sum, epoch) => sum + 8 + epoch.bytes.length, 0));
    bytes[0] = form;
    let at = putVarint(bytes, 1, this.#sequences.length);
    at = putVarint(bytes, at, epochs.length);
    for (const epoch of epochs) {
      at = putVarint(bytes, at, epoch.bytes.length * 2 + (epoch.isPacked ? 1 : 0));
      at += epoch.bytes.copy(bytes, at);
    }
    return bytes.subarray(0, at);
  }
}

function idsIn(bytes: Buffer, cells: number): string[] | null {
  const reader = new Reader(bytes);
  if (reader.byte() !== form || reader.varint() !== cells) return null;
  const count = reader.varint();
  if (count > cells) return null;
  const epochs: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const length = reader.varint();
    const epoch = reader.take(Math.floor(length / 2)).toString(length % 2 === 1 ? "hex" : "utf8");
    if (!own.test(`${epoch}-0`)) return null;
    epochs.push(epoch);
  }
  const least = reader.varint();
  const ids: string[] = [];
  for (let cell = 0; cell < cells; cell += 1) {
    const more = reader.varint();
    const index = more === 0 || count === 1 ? 0 : reader.varint();
    const [epoch, sequence] = [epochs[index], least + more - 1];
    if (more !== 0 && (epoch === undefined || !(sequence <= mostSequence))) return null;
    ids.push(more === 0 ? earliest : `${epoch}-${sequence}`);
  }
  return reader.isWhole ? ids : null;
}

/** What is behind the end reads as NaN, which is nothing that anything is compared with. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isWhole(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? Number.NaN;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 56; factor *= 128) {
      const byte = this.byte();
      value += (byte % 128) * factor;
      if (!(byte >= 128)) return value;
    }
    return Number.NaN;
  }

  take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }
}

/** Behind it. Numbers are larger than what bit operators take. */
function putVarint(bytes: Buffer, at: number, value: number): number {
  let rest = value;
  let index = at;
  for (; rest >= 128; index += 1) {
    bytes[index] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  bytes[index] = rest;
  return index + 1;
}
