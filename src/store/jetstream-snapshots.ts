import { randomUUID } from "node:crypto";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { encodeImage } from "./jetstream-bytes.ts";
import { markPiece, type SnapshotPlace } from "./jetstream-replay.ts";
import type { Image } from "./image.ts";

/** Records are worth a snapshot when they take so many bytes, and more than what a snapshot takes. */
const leastBytes = 4_194_304;
const answerMs = 5_000;

export interface SnapshotOptions {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly stream: string;
  /** Of the records. */
  readonly log: string;
  /** Of the pieces. */
  readonly pieces: string;
  readonly maxPayload: number;
}

/**
 * Keeps the chain short: when its records take more than what they leave behind, that is kept in one piece after another,
 * and the records go. Pieces may be written by whoever, an owner of before at the same time as the present one, so that they
 * are marked; they count once a record of the chain names them.
 */
export class Snapshots {
  readonly #options: SnapshotOptions;
  #bytes = 0;
  #running = false;
  #stopped = false;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /** So many bytes of records there are since the newest snapshot. */
  reset(bytes: number): void {
    this.#bytes = bytes;
  }

  /** Whether it is time for one, after records of so many bytes more. */
  isDue(bytes: number, image: Image): boolean {
    this.#bytes += bytes;
    return !this.#running && !this.#stopped && this.#bytes > Math.max(leastBytes, image.length);
  }

  /** Takes no more, and gives up one that is under way: the store is closed, or somebody else's. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Keeps what the image has at this moment, which is what the records up to `through` leave behind; `name` writes the
   * record that names it. Where that fails it is tried again later, with more.
   */
  async take(image: Image, through: number, name: (place: SnapshotPlace) => Promise<void>): Promise<void> {
    const { client, manager, stream, log, pieces: subject, maxPayload } = this.#options;
    const covered = this.#bytes;
    this.#running = true;
    try {
      const id = randomUUID();
      const marked = headers();
      markPiece(marked, id);
      const sequences: number[] = [];
      for (const piece of encodeImage(image, maxPayload)) {
        if (this.#stopped) return;
        const { seq } = await client.publish(subject, piece, { headers: marked, timeout: answerMs });
        sequences.push(seq);
      }
      if (this.#stopped) return;
      const place = {
        through,
        id,
        first: sequences[0] ?? 0,
        last: sequences.at(-1) ?? -1,
        pieces: sequences.length,
      };
      await name(place);
      this.#bytes -= covered;
      await manager.streams.purge(stream, { filter: log, seq: through + 1 });
      if (place.first > 0) await manager.streams.purge(stream, { filter: subject, seq: place.first });
    } catch {
      // The records are there still, and so nothing is lost; what has been written of it goes with the next one.
      this.#bytes = Math.min(this.#bytes, covered / 2);
    } finally {
      this.#running = false;
    }
  }
}
