import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from "node:crypto";
import { z } from "zod";
import { Secret } from "../secret.ts";

const pem = z.string().min(1, "expected PEM text").max(262_144, "expected at most 262144 characters");

const certificateBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

const certificates = pem.superRefine((text, context) => {
  const blocks = text.match(certificateBlock);
  if (blocks === null) {
    context.addIssue({ code: "custom", message: 'expected PEM text with "-----BEGIN CERTIFICATE-----"' });
  } else if (!blocks.every(isCertificate)) {
    context.addIssue({ code: "custom", message: "a certificate in this PEM text cannot be read" });
  }
});

function isCertificate(text: string): boolean {
  return readOr(() => new X509Certificate(text), null) !== null;
}

function readOr<T, F>(read: () => T, fallback: F): T | F {
  try {
    return read();
  } catch {
    return fallback;
  }
}

const tlsFields = z.strictObject({
  ca: certificates.optional(),
  cert: certificates.optional(),
  key: pem.optional(),
  passphrase: z.string().max(1_024).optional(),
  serverName: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9._-]+$/, "expected a host name")
    .optional(),
  alpnProtocols: z.array(z.string().min(1).max(255)).min(1).max(16).optional(),
  verify: z.boolean().default(true),
});

/**
 * How to speak TLS to the broker. Certificates and keys are read here, once, because one runtime ignores text that it
 * cannot read and fails later with an unrelated error.
 */
export const tlsSchema = tlsFields.transform(({ key, passphrase, ...tls }, context) => {
  const wrong = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if ((key === undefined) !== (tls.cert === undefined)) {
    wrong(key === undefined ? "key" : "cert", "cert and key go together");
    return z.NEVER;
  }
  if (key !== undefined && tls.cert !== undefined) {
    const privateKey = readOr(
      () => createPrivateKey(passphrase === undefined ? key : { key, passphrase }),
      null,
    );
    if (privateKey === null)
      wrong("key", "the private key cannot be read; it may need a passphrase, or another one");
    else if (!matches(privateKey, tls.cert))
      wrong("key", "the private key does not belong to the certificate");
    else {
      // Given on without its passphrase: not every runtime decrypts every key format when it dials.
      const plain = passphrase === undefined ? key : privateKey.export({ type: "pkcs8", format: "pem" });
      return { ...tls, key: new Secret(plain) };
    }
    return z.NEVER;
  }
  return { ...tls, key: undefined };
});

function matches(privateKey: KeyObject, certificate: string): boolean {
  const leaf = new X509Certificate(certificate.match(certificateBlock)?.[0] ?? certificate);
  const spki = (key: KeyObject) => key.export({ type: "spki", format: "der" });
  return readOr(() => spki(createPublicKey(privateKey)).equals(spki(leaf.publicKey)), false);
}
