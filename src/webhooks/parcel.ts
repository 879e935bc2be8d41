import { bodyOf, type Format, type Occasion } from "./body.ts";

/** What goes out, byte for byte, and what lists of deliveries show of it. */
export interface Parcel {
  /** `webhook-id`. */
  readonly id: string;
  readonly type: string;
  readonly connection: string | null;
  readonly contentType: string;
  readonly text: string;
}

export function parcelOf(format: Format, occasion: Occasion): Parcel {
  const { id, type, connection } = occasion;
  return { id, type, connection, ...bodyOf(format, occasion) };
}
