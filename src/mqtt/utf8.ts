const MAX_BYTES = 65_535;
const MAX_SHOWN_CHARACTERS = 64;

/**
 * Says what keeps a text from being an MQTT UTF-8 Encoded String (MQTT 5 §1.5.4, MQTT 3.1.1 §1.5.3), or null.
 *
 * The answer continues a sentence that begins with the text: `has …` or `is …`. Only what the standard forbids
 * is refused: control characters and non-characters are a "should not", so they pass; U+FEFF passes and is kept
 * (MQTT-1.5.4-3); the empty text passes.
 */
export function checkUtf8String(text: string): string | null {
  const nullAt = text.indexOf("\0");
  if (nullAt !== -1) return `has the null character U+0000 at index ${nullAt}; MQTT strings cannot hold it`;

  const surrogateAt = text.search(/\p{Surrogate}/u);
  if (surrogateAt !== -1) return `has a lone surrogate at index ${surrogateAt}; UTF-8 cannot encode it`;

  const bytes = utf8Length(text);
  if (bytes > MAX_BYTES) return `is ${bytes} bytes long in UTF-8; at most ${MAX_BYTES} are allowed`;
  return null;
}

/** Length in bytes when encoded in UTF-8; a lone surrogate counts 3, as U+FFFD, which encoders put in its place. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) {
      // The pair is four bytes: its two units, which are counted already, and the two added above.
      index += 1;
    }
  }
  return bytes;
}

/**
 * A text as messages show it: in quotes, 64 characters at most and then `…`, with quotes, backslashes and all
 * that is invisible or moves the cursor escaped, so that a topic cannot forge a line of a log.
 */
export function quoted(text: string): string {
  // 64 characters are at most 128 units: a long text is not walked for its beginning.
  const characters = Array.from(text.slice(0, 2 * MAX_SHOWN_CHARACTERS + 2));
  const shown = characters.slice(0, MAX_SHOWN_CHARACTERS).join("");
  const escaped = shown
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, escapeCharacter);
  return `"${escaped}${characters.length > MAX_SHOWN_CHARACTERS ? "…" : ""}"`;
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
