import type { ProblemCode } from "../problem.ts";

/** How far an attempt had come: the step that failed, or that is under way; `connected` where an open one was lost. */
export type Stage = "policy" | "dns" | "tcp" | "tls" | "websocket" | "connack" | "connected";

/** What the broker said, as it is shown: the raw code, with the version that gives it its meaning. */
export interface BrokerReason {
  readonly packet: "connack" | "disconnect";
  readonly reasonCode: number;
  readonly reasonName: string;
  readonly reasonString: string | null;
  readonly serverReference: string | null;
  readonly protocolVersion: string;
}

/** Why an attempt failed, or a connection was lost. Holds no secrets and no bytes of the peer's. */
export interface Failure {
  readonly stage: Stage;
  readonly code: ProblemCode;
  readonly detail: string;
  /** Whether a later attempt can end otherwise; decides between `waiting` and `failed`. */
  readonly retryable: boolean;
  /** Told to a caller who waits, where it differs: a name that does not exist is not worth an immediate second try. */
  readonly retryableNow?: boolean;
  readonly hint: string;
  /** What exactly TLS did not accept. */
  readonly cause?: string;
  /** The status that refused a WebSocket upgrade. */
  readonly httpStatus?: number;
  readonly mqtt?: BrokerReason;
  /** A limit of this server's, and when there may be room again. */
  readonly limit?: { readonly name: string; readonly value: number };
  readonly retryAfterSeconds?: number;
}

/** Carries a {@link Failure} out of the steps of an attempt. */
export class AttemptError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.detail);
    this.name = "AttemptError";
    this.failure = failure;
  }
}

interface TlsCause {
  readonly cause: string;
  readonly detail: string;
  readonly hint: string;
}

const tlsCauses: readonly (readonly [RegExp, TlsCause])[] = [
  [
    /^CERT_HAS_EXPIRED$/,
    {
      cause: "expired",
      detail: "the broker's certificate has expired",
      hint: "Renew the broker's certificate, and check both clocks.",
    },
  ],
  [
    /^CERT_NOT_YET_VALID$/,
    {
      cause: "not-yet-valid",
      detail: "the broker's certificate is not valid yet",
      hint: "Check both clocks.",
    },
  ],
  [
    /^DEPTH_ZERO_SELF_SIGNED_CERT$/,
    {
      cause: "self-signed",
      detail: "the broker's certificate is self-signed",
      hint: "Give the certificate as tls.ca, if it is the right one.",
    },
  ],
  [
    /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_UNTRUSTED)$/,
    {
      cause: "unknown-ca",
      detail: "the broker's certificate comes from an authority that is not trusted here",
      hint: "Give the authority's certificate as tls.ca.",
    },
  ],
  [
    /^ERR_TLS_CERT_ALTNAME/,
    {
      cause: "host-name-mismatch",
      detail: "the broker's certificate is for another host name",
      hint: "Connect by a name in the certificate, or set tls.serverName.",
    },
  ],
  [
    /ALERT_CERTIFICATE_REQUIRED/,
    {
      cause: "client-certificate-required",
      detail: "the broker requires a client certificate",
      hint: "Give tls.cert and tls.key.",
    },
  ],
  [
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_(UNKNOWN|EXPIRED|REVOKED)|DECRYPT_ERROR|ACCESS_DENIED)/,
    {
      cause: "client-certificate-refused",
      detail: "the broker does not accept the client certificate",
      hint: "Use a client certificate that the broker's authority has signed.",
    },
  ],
  [
    /WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|RECORD_TOO_(LONG|LARGE)|UNKNOWN_PROTOCOL|UNEXPECTED_MESSAGE|ERR_SSL_BAD_(RECORD|PACKET)/,
    {
      cause: "not-tls",
      detail: "the peer does not speak TLS on this port",
      hint: "Use mqtt:// or ws://, or the broker's TLS port.",
    },
  ],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_/,
    {
      cause: "certificate",
      detail: "the broker's certificate was not accepted",
      hint: "Look at the certificate with openssl s_client.",
    },
  ],
  [
    /^ERR_SSL_|^ERR_TLS_|^ERR_OSSL_|^EPROTO$/,
    {
      cause: "handshake",
      detail: "the TLS handshake failed",
      hint: "Compare TLS versions, ciphers and certificates of both sides with openssl s_client.",
    },
  ],
];

/** The error code that a runtime gives to a socket, TLS or DNS error; its text differs between runtimes and is not used. */
export function errorCode(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** What a socket or TLS error means when it comes at `stage`. `where` is host and port, for people. */
export function socketFailure(error: unknown, stage: Stage, where: string): Failure {
  const code = errorCode(error);
  const tls = tlsFailure(code, where);
  if (tls !== null) return tls;
  switch (code) {
    case "ECONNREFUSED":
      return {
        stage,
        code: "connection-refused",
        retryable: true,
        detail: `Connecting to ${where}: nothing listens there (connection refused)`,
        hint: "Check that the broker is running, and the port.",
      };
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "ENETDOWN":
    case "EHOSTDOWN":
    case "ENONET":
    // A firewall of this machine.
    case "EPERM":
    case "EACCES":
      return {
        stage,
        code: "network-unreachable",
        retryable: true,
        detail: `Connecting to ${where}: there is no route (${code})`,
        hint: "Check routes and firewalls between this server and the broker.",
      };
    case "EADDRNOTAVAIL":
      return bindFailure("it is not an address of this machine");
    case "ETIMEDOUT":
      return {
        stage,
        code: "connect-timeout",
        retryable: true,
        detail: `Connecting to ${where}: the network gave up (ETIMEDOUT)`,
        hint: "Check firewalls between this server and the broker.",
      };
    case "EMFILE":
    case "ENFILE":
      return {
        stage,
        code: "network-unreachable",
        retryable: true,
        detail: `Connecting to ${where}: this server is out of file descriptors (${code})`,
        hint: "Raise the limit of open files of this server.",
      };
    default:
      return resetFailure(stage, where, code);
  }
}

/** `why` completes "bindAddress cannot be used: …". */
export function bindFailure(why: string): Failure {
  return {
    stage: "tcp",
    code: "bind-address-unavailable",
    retryable: false,
    detail: `bindAddress cannot be used: ${why}`,
    hint: "Use an address of this machine, of the same family as the broker's.",
  };
}

function tlsFailure(code: string, where: string): Failure | null {
  const found = tlsCauses.find(([pattern]) => pattern.test(code))?.[1];
  if (found === undefined) return null;
  return {
    stage: "tls",
    code: "tls-error",
    cause: found.cause,
    retryable: false,
    detail: `TLS with ${where}: ${found.detail} (${code})`,
    hint: found.hint,
  };
}

function resetFailure(stage: Stage, where: string, code: string): Failure {
  const suffix = code === "" ? "" : ` (${code})`;
  if (stage === "tls") {
    return {
      stage,
      code: "connection-reset",
      retryable: true,
      detail: `TLS with ${where}: the peer closed during the handshake${suffix}`,
      hint: "The peer may not speak TLS on this port, or a firewall is in between.",
    };
  }
  return {
    stage,
    code: "connection-reset",
    retryable: true,
    detail: `Connecting to ${where}: the peer reset the connection${suffix}`,
    hint: "A firewall or proxy may be in between, or the port expects another protocol.",
  };
}
