import { isReadAsItStands, safeNumberLength } from "./json-number.ts";

/** Levels of arrays and objects. What this server reads comes nowhere near; deeper values exhaust the stack of whoever walks them. */
export const deepestNesting = 64;

/** What is wrong with a JSON text though it parses. */
export interface JsonFault {
  readonly path: readonly (string | number)[];
  readonly detail: string;
  /** Too deep to be parsed at all. */
  readonly isDeep: boolean;
}

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** More names than this are looked up in a set. */
const fewNames = 12;
const surrogateEscape = /\\u[dD][89a-fA-F]/;

/**
 * Finds what a parser of JSON takes without a word, and what then is not what somebody else, a proxy or a firewall, has
 * read in the same bytes (RFC 8259 §4, §6, §8.2): two members of one name, of which each reader takes another; numbers
 * that are read as others; halves of surrogate pairs, which cannot be sent on. And a member `__proto__`, which schemas
 * drop, and nesting without end. The first of them; null where there is none.
 *
 * One pass that knows no more of the grammar than it needs: what is no JSON is left to the parser.
 */
export function findFault(text: string): JsonFault | null {
  return new Scan(text).run();
}

class Scan {
  readonly #text: string;
  #fault: JsonFault | null = null;
  /** Of each level: where an array is, or -1 for an object. */
  readonly #indexes: number[] = [];
  /** Of each level: where its names begin in {@link #names}. */
  readonly #bases: number[] = [];
  /** Names of the open objects, the innermost last. */
  readonly #names: string[] = [];
  /** Of levels with many names. */
  #sets: (Set<string> | undefined)[] | null = null;
  #isNameNext = false;
  #nextBackslash: number;

  constructor(text: string) {
    this.#text = text;
    this.#nextBackslash = text.indexOf("\\");
  }

  run(): JsonFault | null {
    const text = this.#text;
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit === quote) {
        at = this.#string(at + 1);
        if (at === -1) return this.#fault;
      } else if (unit === comma) this.#comma();
      else if (unit === openBrace || unit === openBracket) {
        if (this.#indexes.length === deepestNesting) return this.#tooDeep();
        this.#open(unit === openBrace);
      } else if (unit === closeBrace || unit === closeBracket) this.#close();
      else if (unit === minus || (unit >= zero && unit <= nine)) at = this.#number(at);
    }
    return this.#fault;
  }

  #open(isObject: boolean): void {
    this.#indexes.push(isObject ? -1 : 0);
    this.#bases.push(this.#names.length);
    this.#isNameNext = isObject;
  }

  #close(): void {
    this.#indexes.pop();
    const base = this.#bases.pop();
    if (base !== undefined) this.#names.length = base;
    if (this.#sets !== null) this.#sets[this.#indexes.length] = undefined;
    this.#isNameNext = false;
  }

  #comma(): void {
    const level = this.#indexes.length - 1;
    const index = this.#indexes[level];
    if (index === -1) this.#isNameNext = true;
    else if (index !== undefined) this.#indexes[level] = index + 1;
  }

  /** Where the string ends that begins after a quote; -1 where it does not. */
  #string(from: number): number {
    const text = this.#text;
    let end = text.indexOf('"', from);
    while (end !== -1 && this.#isEscaped(end, from)) end = text.indexOf('"', end + 1);
    if (end === -1) return -1;
    // Looked for from time to time, not in each string: most texts have none.
    if (this.#nextBackslash !== -1 && this.#nextBackslash < from)
      this.#nextBackslash = text.indexOf("\\", from);
    const hasEscapes = this.#nextBackslash !== -1 && this.#nextBackslash < end;
    const isName = this.#isNameNext;
    if (isName || hasEscapes) this.#read(text.slice(from, end), hasEscapes, isName);
    this.#isNameNext = false;
    return end;
  }

  /** After an odd number of backslashes. */
  #isEscaped(at: number, from: number): boolean {
    let first = at;
    while (first > from && this.#text.charCodeAt(first - 1) === backslash) first -= 1;
    return (at - first) % 2 === 1;
  }

  #read(raw: string, hasEscapes: boolean, isName: boolean): void {
    const isSuspect = hasEscapes && surrogateEscape.test(raw);
    const value = isSuspect || (isName && hasEscapes) ? unescaped(raw) : raw;
    if (isName) this.#name(value);
    if (isSuspect && !value.isWellFormed()) this.#note("has a lone surrogate; UTF-8 cannot encode it");
  }

  #name(name: string): void {
    const isKnown = this.#isKnown(name);
    this.#names.push(name);
    if (isKnown) this.#note("stands here more than once; expected each name once in an object");
    else if (name === "__proto__") this.#note("there is no such field");
  }

  #isKnown(name: string): boolean {
    const level = this.#indexes.length - 1;
    const base = this.#bases[level] ?? 0;
    const names = this.#names;
    if (names.length - base <= fewNames) {
      for (let index = base; index < names.length; index += 1) if (names[index] === name) return true;
      return false;
    }
    this.#sets ??= [];
    const set = (this.#sets[level] ??= new Set(names.slice(base)));
    if (set.has(name)) return true;
    set.add(name);
    return false;
  }

  /** Where the number ends. */
  #number(from: number): number {
    const text = this.#text;
    let hasExponent = false;
    let end = from + 1;
    for (; end < text.length; end += 1) {
      const unit = text.charCodeAt(end);
      if (unit >= zero && unit <= nine) continue;
      // Letters in lower case: `e`.
      if ((unit | 0x20) === 0x65) hasExponent = true;
      else if (unit !== 0x2e && unit !== 0x2b && unit !== minus) break;
    }
    if ((hasExponent || end - from > safeNumberLength) && !isReadAsItStands(text.slice(from, end)))
      this.#note("would be read as another number: it has too many digits, or an exponent out of range");
    return end - 1;
  }

  #note(detail: string): void {
    this.#fault ??= { path: this.#path(), detail, isDeep: false };
  }

  #tooDeep(): JsonFault {
    const detail = `expected at most ${deepestNesting} levels of nesting`;
    return { path: this.#path(), detail, isDeep: true };
  }

  /** Where the scan is: the name of each object that was read last, and the index of each array. */
  #path(): (string | number)[] {
    return this.#indexes.flatMap((index, level): (string | number)[] => {
      if (index !== -1) return [index];
      const last = (this.#bases[level + 1] ?? this.#names.length) - 1;
      return last < (this.#bases[level] ?? 0) ? [] : [this.#names[last] ?? ""];
    });
  }
}

/** What cannot be read is the parser's to refuse. */
function unescaped(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw;
  }
}
