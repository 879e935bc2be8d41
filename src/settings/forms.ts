import { isIP } from "node:net";
import { z } from "zod";
import type { Secret } from "../secret.ts";
import { parseSecretKeys } from "../secret-key.ts";

export const integer = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, "expected a whole number")
    .transform(Number)
    .refine((n) => n >= least && n <= most, `expected ${least} to ${most}`);

export function commaSeparated(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}

export const resolverList = z
  .string()
  .transform(commaSeparated)
  .refine(
    (list) => list.every(isResolver),
    'expected addresses with optional ports, as "10.0.0.2,[fd00::1]:5353"',
  );

export const hostList = z
  .string()
  .transform((text) => commaSeparated(text.toLowerCase()))
  .refine(
    (list) => list.every((name) => /^[a-z0-9._-]{1,253}$/.test(name)),
    "expected host names without ports",
  );

const notAnOrigin =
  'expected an origin, as "https://connack.example": http or https, a host, maybe a port, no path';

/** Where OTLP goes by HTTP: a URL to which the path of a signal is added. */
export const collector = z.string().transform((text, context): string => {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOne = url !== null && /^https?:$/.test(url.protocol);
  if (isOne && `${url.username}${url.password}${url.search}${url.hash}` === "")
    return url.href.replace(/\/+$/, "");
  const message =
    'expected an http or https URL without user name, password or query, as "http://127.0.0.1:4318"';
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** An origin as browsers write it (RFC 6454 §6.2), from a URL that may end in `/`. */
export const origin = z.string().transform((text, context): string => {
  const found = parseOrigin(text.trim());
  if (found !== null) return found;
  context.addIssue({ code: "custom", message: notAnOrigin });
  return z.NEVER;
});

export const originList = z.string().transform((text, context): string[] => {
  const list = commaSeparated(text);
  if (list.includes("*")) {
    const message =
      "* would let every page that anybody opens call this service; list the origins of the pages that are to call it";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  const origins = list.map(parseOrigin).filter((one) => one !== null);
  if (origins.length === list.length) return origins;
  context.addIssue({ code: "custom", message: `${notAnOrigin}; several are separated by commas` });
  return z.NEVER;
});

function parseOrigin(text: string): string | null {
  if (!/^https?:\/\/[^/?#@\\\s*]+\/?$/i.test(text) || !URL.canParse(text)) return null;
  return new URL(text).origin;
}

export const secretKeys = z.string().transform((text, context): readonly Secret<Uint8Array>[] => {
  const list = commaSeparated(text).map((text, index) => ({ text, name: `key ${index + 1}` }));
  const parsed = parseSecretKeys(list);
  if (parsed.ok) return parsed.keys;
  context.addIssue({ code: "custom", message: parsed.detail });
  return z.NEVER;
});

function isResolver(text: string): boolean {
  const address =
    /^\[(.+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? (isIP(text) === 6 ? text : text.replace(/:\d{1,5}$/, ""));
  return isIP(address) !== 0;
}

/** Where things are kept. */
export type StoreSetting =
  | { readonly kind: "memory" }
  | { readonly kind: "sqlite"; readonly file: string }
  /** Servers of NATS; a cluster's. */
  | { readonly kind: "nats"; readonly urls: readonly URL[] };

const notNats =
  "expected NATS URLs, comma-separated, as nats://user:password@host:4222,nats://host2:4222 (nats:// or tls://)";

export const natsUrls = z.string().transform((text, context): readonly URL[] => {
  const urls = parseNatsUrls(text);
  if (urls !== null) return urls;
  context.addIssue({ code: "custom", message: notNats });
  return z.NEVER;
});

function parseNatsUrls(text: string): readonly URL[] | null {
  const list = commaSeparated(text);
  const isUrl = (each: string) => /^(nats|tls):\/\/[^/?#\s]+\/?$/.test(each) && URL.canParse(each);
  return list.length > 0 && list.every(isUrl) ? list.map((each) => new URL(each)) : null;
}

export const store = z.string().transform((text, context): StoreSetting => {
  const file = /^sqlite:(.+)$/s.exec(text)?.[1];
  if (text === "memory") return { kind: "memory" };
  if (file !== undefined && !file.includes("\0")) return { kind: "sqlite", file };
  const urls = parseNatsUrls(text);
  if (urls !== null) return { kind: "nats", urls };
  const isNats = /^(nats|tls):/.test(text);
  const message = isNats ? notNats : 'expected "memory", "sqlite:<file>" or "nats://<host>:4222,…"';
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

export const host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9.:_-]+$/, "expected a host name or an address");
