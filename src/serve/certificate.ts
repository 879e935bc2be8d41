import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { SettingsError, type Settings } from "../settings.ts";

/** What HTTPS is served with, as PEM: the certificate with those of its issuers after it, and its key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads `CONNACK_TLS_CERT_FILE` and `CONNACK_TLS_KEY_FILE`, and looks whether they belong together: a server would find
 * out at the first handshake, and tell nobody but the caller. Null where neither is set.
 *
 * @throws {SettingsError} naming the file, and never what is in it
 */
export function readCertificate({
  tlsCertFile,
  tlsKeyFile,
}: Pick<Settings, "tlsCertFile" | "tlsKeyFile">): Certificate | null {
  if (tlsCertFile === null && tlsKeyFile === null) return null;
  if (tlsCertFile === null || tlsKeyFile === null)
    throw new SettingsError("CONNACK_TLS_CERT_FILE and CONNACK_TLS_KEY_FILE: both are needed, or neither");
  const cert = readText("CONNACK_TLS_CERT_FILE", tlsCertFile);
  const key = readText("CONNACK_TLS_KEY_FILE", tlsKeyFile);
  const certificate = parseCertificate(tlsCertFile, cert);
  if (!certificate.checkPrivateKey(parseKey(tlsKeyFile, key)))
    refuse("CONNACK_TLS_KEY_FILE", tlsKeyFile, `is not the key of the certificate in ${tlsCertFile}`);
  return { cert, key };
}

function parseCertificate(path: string, text: string): X509Certificate {
  if (text.includes("-----BEGIN CERTIFICATE-----")) {
    try {
      return new X509Certificate(text);
    } catch {
      // Said below.
    }
  }
  return refuse("CONNACK_TLS_CERT_FILE", path, "does not hold a certificate as PEM");
}

function parseKey(path: string, text: string): KeyObject {
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text))
    refuse("CONNACK_TLS_KEY_FILE", path, "is encrypted; expected a key without a passphrase");
  try {
    return createPrivateKey(text);
  } catch {
    return refuse("CONNACK_TLS_KEY_FILE", path, "does not hold a private key as PEM");
  }
}

function readText(name: string, path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    return refuse(name, path, error instanceof Error ? error.message : "cannot be read");
  }
}

function refuse(name: string, path: string, why: string): never {
  throw new SettingsError(`${name}=${JSON.stringify(path)}: ${why}`);
}
