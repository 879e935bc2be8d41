import { Problem } from "./problem.ts";
import type { Secret } from "./secret.ts";

/** Makes secrets fit to be kept where others may look. */
export interface Sealer {
  /**
   * Seals a well-formed text. `context` says what it belongs to, as in `connection/a`: the text can be opened with the
   * same one only, so that nobody who can write to the store can pass it off as another's.
   *
   * @throws {Problem} `secret-key-missing`
   */
  seal(plain: string, context: string): Promise<string>;
  /** @throws {SealError} */
  open(sealed: string, context: string): Promise<string>;
  /** Whether sealing anew would be with the same key; where not, it should be, before the old key is taken away. */
  isCurrent(sealed: string): boolean;
}

/**
 * Why a sealed text cannot be opened.
 *
 * - `unknown-key`: it was sealed with a key that is not among the configured ones.
 * - `damaged`: it is no sealed text, was changed, or belongs to another context.
 */
export class SealError extends Error {
  readonly kind: "unknown-key" | "damaged";
  /** Names the key that it was sealed with, where it says so; not secret. */
  readonly keyId: string | null;

  constructor(kind: SealError["kind"], keyId: string | null) {
    super(
      kind === "unknown-key"
        ? `Cannot open a sealed secret: the key ${keyId ?? "(none)"} is not among those of CONNACK_SECRET_KEY or CONNACK_SECRET_KEY_FILE`
        : "Cannot open a sealed secret: it is damaged, or belongs to something else",
    );
    this.name = "SealError";
    this.kind = kind;
    this.keyId = keyId;
  }
}

interface SealingKey {
  readonly id: string;
  readonly key: CryptoKey;
}

const algorithm = "AES-GCM";
/** The size that GCM is made for, random each time: safe for 2^32 texts of one key (NIST SP 800-38D §8.3). */
const nonceBytes = 12;
const tagBytes = 16;
const form = /^aes256gcm:([0-9a-f]{8}):([A-Za-z0-9+/]+={0,2})$/;

/**
 * Seals by AES-256-GCM, as `aes256gcm:<key id>:<base64 of nonce, ciphertext and tag>`. The first key seals, all open;
 * without any, nothing can be sealed. Keys have 32 bytes.
 */
export async function createSealer(keys: readonly Secret<Uint8Array>[]): Promise<Sealer> {
  const sealing = await Promise.all(keys.map(importKey));
  const first = sealing[0];
  const byId = new Map(sealing.map((each) => [each.id, each.key]));
  return {
    seal: async (plain, context) => {
      if (first === undefined)
        throw new Problem(
          "secret-key-missing",
          "The request has secrets, and there is no key to keep them with: set CONNACK_SECRET_KEY or CONNACK_SECRET_KEY_FILE; openssl rand -base64 32 makes a key",
        );
      // Encoding would put another character where a lone surrogate stands, and the loss would show much later.
      if (!plain.isWellFormed()) throw new TypeError("Cannot seal a text with a lone surrogate");
      const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
      const sealed = await crypto.subtle.encrypt(
        parameters(nonce, context),
        first.key,
        new TextEncoder().encode(plain),
      );
      return `aes256gcm:${first.id}:${Buffer.concat([nonce, new Uint8Array(sealed)]).toString("base64")}`;
    },
    open: async (sealed, context) => {
      const [, id, data] = form.exec(sealed) ?? [];
      if (id === undefined || data === undefined) throw new SealError("damaged", null);
      const key = byId.get(id);
      if (key === undefined) throw new SealError("unknown-key", id);
      const bytes = new Uint8Array(Buffer.from(data, "base64"));
      if (bytes.byteLength < nonceBytes + tagBytes) throw new SealError("damaged", id);
      const [nonce, text] = [bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes)];
      const plain = await crypto.subtle
        .decrypt(parameters(nonce, context), key, text)
        // The runtimes say no more than that it failed, each in its words.
        .catch(() => null);
      if (plain === null) throw new SealError("damaged", id);
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain);
    },
    isCurrent: (sealed) => first !== undefined && form.exec(sealed)?.[1] === first.id,
  };
}

/** What sealed texts say that they were sealed with, of each key; not secret. */
export function keyIds(keys: readonly Secret<Uint8Array>[]): Promise<readonly string[]> {
  return Promise.all(keys.map((key) => idOf(new Uint8Array(key.reveal()))));
}

/** Seals for one tenant: what is another's cannot be passed off as its own. */
export function sealerFor(tenant: string, sealer: Sealer): Sealer {
  const own = (context: string) => `tenant/${tenant}/${context}`;
  return {
    seal: (plain, context) => sealer.seal(plain, own(context)),
    open: (sealed, context) => sealer.open(sealed, own(context)),
    isCurrent: (sealed) => sealer.isCurrent(sealed),
  };
}

/** Keeps texts as they are, marked so: for a store that they do not leave the process with. */
export const plainSealer: Sealer = {
  seal: (plain) => Promise.resolve(`plain:${plain}`),
  open: (sealed) =>
    sealed.startsWith("plain:")
      ? Promise.resolve(sealed.slice("plain:".length))
      : Promise.reject(new SealError("damaged", null)),
  isCurrent: (sealed) => sealed.startsWith("plain:"),
};

function parameters(iv: Uint8Array<ArrayBuffer>, context: string) {
  return { name: algorithm, iv, additionalData: new TextEncoder().encode(context), tagLength: tagBytes * 8 };
}

async function importKey(secret: Secret<Uint8Array>): Promise<SealingKey> {
  const bytes = new Uint8Array(secret.reveal());
  // WebCrypto would take 16 bytes, too, and be another algorithm.
  if (bytes.byteLength !== 32) throw new TypeError(`A key has 32 bytes, not ${bytes.byteLength}`);
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["encrypt", "decrypt"]);
  return { id: await idOf(bytes), key };
}

async function idOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Buffer.from(digest).toString("hex").slice(0, 8);
}
