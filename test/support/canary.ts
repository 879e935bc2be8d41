import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A secret that can be found again, in whatever form somebody has written it down. */
export interface Canary {
  readonly name: string;
  /** What goes into the field. */
  readonly text: string;
  /** By form, what to look for in bytes that were read as Latin-1. */
  readonly needles: readonly (readonly [form: string, needle: string])[];
}

/** Characters around it that no format leaves as they are; what is looked for are the random ones. */
const trouble = `"ü/+&=%\\'<`;

/** A canary for a field that takes any text, or, as `plain`, only what a URL or a header takes. */
export function canary(name: string, kind: "any" | "plain" = "any"): Canary {
  const core = `zz${randomBytes(14).toString("hex")}`;
  const text = kind === "any" ? `${trouble}${core}${trouble}` : core;
  return { name, text, needles: needlesOf(Buffer.from(core)) };
}

/** A canary of bytes, of which these are enough to know them again; `text` is what goes into the field. */
export function canaryOfBytes(name: string, bytes: Buffer, text: string): Canary {
  return { name, text, needles: needlesOf(bytes) };
}

function needlesOf(bytes: Buffer): Canary["needles"] {
  const hex = bytes.toString("hex");
  const spaced = [...bytes].map(String);
  return [
    ["itself", bytes.toString("latin1")],
    ["UTF-16", Buffer.from(bytes.toString("latin1"), "utf16le").toString("latin1")],
    ["hex", hex],
    ["hex in capitals", hex.toUpperCase()],
    ["percent-encoding", hex.replaceAll(/../g, "%$&")],
    ["percent-encoding in capitals", hex.toUpperCase().replaceAll(/../g, "%$&")],
    ["a list of bytes", spaced.join(",")],
    ["a list of bytes with blanks", spaced.join(", ")],
    ["its reverse", Buffer.from(bytes.toReversed()).toString("latin1")],
    ...[0, 1, 2].flatMap((shift) => {
      const base64 = inBase64(bytes, shift);
      const url = base64.replaceAll("+", "-").replaceAll("/", "_");
      return [
        [`base64 from byte ${shift}`, base64],
        [`base64url from byte ${shift}`, url],
      ] as const;
    }),
  ];
}

/** The characters that base64 has for these bytes when they begin at the nth byte of three, whatever is around them. */
function inBase64(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
}

/** Which canaries are in there, and how they are written. */
export function found(canaries: readonly Canary[], where: string | Buffer): string[] {
  const texts =
    typeof where === "string" ? [Buffer.from(where).toString("latin1")] : [where.toString("latin1")];
  return canaries.flatMap(({ name, needles }) =>
    needles
      .filter(([, needle]) => texts.some((text) => text.includes(needle)))
      .map(([form]) => `${name} as ${form}`),
  );
}

/** The bytes of every file of a folder, by name. */
export function filesOf(folder: string): readonly (readonly [name: string, bytes: Buffer])[] {
  return readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const);
}
