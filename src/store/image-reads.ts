import { Image } from "./image.ts";
import type { Position, StoredEntry, StoredLog, StoredRecord } from "./store.ts";

/** The reading part of a store that has all of it in memory. */
export abstract class ImageReads {
  protected image = new Image();

  async records(space: string, after: string | null, limit: number): Promise<readonly StoredRecord[]> {
    return this.image.records(space, after, limit);
  }

  async count(space: string): Promise<number> {
    return this.image.count(space);
  }

  async spaces(prefix: string): Promise<readonly string[]> {
    return this.image.spaces(prefix);
  }

  async get(space: string, key: string): Promise<string | null> {
    return this.image.get(space, key);
  }

  async entries(log: string, after: Position, limit: number): Promise<readonly StoredEntry[]> {
    return this.image.entries(log, after, limit);
  }

  async logs(prefix: string): Promise<readonly StoredLog[]> {
    return this.image.logs(prefix);
  }
}
