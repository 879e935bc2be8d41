import { AuthorizationError } from "@nats-io/nats-core";

/** Why there is no connection to a server of NATS. */
export interface Reason {
  readonly text: string;
  /** It is not a matter of time: somebody has to change something. */
  readonly isFinal: boolean;
}

/** What a runtime says of a certificate that it does not take. */
const certificateCodes =
  /^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_|ERR_TLS_CERT|ERR_SSL)/;
/** The client has no code for it. */
const noTls = "server does not support 'tls'";

/** What the failure of an attempt means, in words for the operator. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof AuthorizationError)
    return { text: `it does not let this user in (${error.message})`, isFinal: true };
  const { message, code, cause } = detailsOf(error);
  if (message === noTls)
    return { text: "it has no TLS, which tls:// and CONNACK_NATS_CA_FILE ask for", isFinal: true };
  if (certificateCodes.test(code))
    return { text: `its certificate is not to be trusted (${message})`, isFinal: true };
  // One that is about the cause says it better.
  if (cause instanceof Error && certificateCodes.test(detailsOf(cause).code)) return reasonOf(cause);
  return { text: message, isFinal: false };
}

interface Details {
  readonly message: string;
  readonly code: string;
  readonly cause: unknown;
}

function detailsOf(error: unknown): Details {
  if (!(error instanceof Error)) return { message: String(error), code: "", cause: undefined };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return { message: error.message, code, cause: error.cause };
}
