/** What a problem code means; `/problems/<code>` and the documentation are made from this table. */
export interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
  /** What it means, in one or two sentences. */
  readonly meaning: string;
  /** The usual cause. */
  readonly cause: string;
  /** One command that tells more. */
  readonly check: string;
}

const readme = "curl -s http://127.0.0.1:8080/problems | less";

function entry(
  status: number,
  title: string,
  retryable: boolean,
  meaning: string,
  cause: string,
  check: string = readme,
): CatalogueEntry {
  return { status, title, retryable, meaning, cause, check };
}

const dig = "getent ahosts broker.example";
const dial = "nc -vz broker.example 1883";
const openssl = "openssl s_client -connect broker.example:8883 -servername broker.example </dev/null";
const probe =
  "curl -s http://127.0.0.1:8080/probe -H 'Content-Type: application/json' -d '{\"url\":\"mqtt://broker.example\"}'";
const show = "curl -s http://127.0.0.1:8080/connections/<id>";

/** Every problem that Connack answers. Codes are stable; titles and sentences may be reworded. */
export const catalogue = {
  "malformed-request": entry(
    400,
    "The request cannot be parsed",
    false,
    "The body is not the JSON that this call reads, or is empty.",
    "A missing quote, a trailing comma, or no body at all.",
    "jq . < body.json",
  ),
  "destination-forbidden": entry(
    403,
    "The destination is not allowed",
    false,
    "The broker's address is one that this server does not connect to.",
    "Metadata, link-local, multicast and other special addresses are refused, as are names that resolve to them.",
    dig,
  ),
  "forbidden-host": entry(
    403,
    "Not a host of this server",
    false,
    "The Host header names something that this server does not answer to.",
    "A proxy that passes on its own host name; name it in CONNACK_ALLOWED_HOSTS.",
    "curl -si http://127.0.0.1:8080/healthz",
  ),
  "cross-site-request": entry(
    403,
    "A call from another site",
    false,
    "A web page of another site tried to change something here.",
    "A page that is not served by this server.",
  ),
  "not-found": entry(
    404,
    "Not found",
    false,
    "There is nothing at this address.",
    "A misspelt path or id, or a connection that was closed.",
  ),
  "method-not-allowed": entry(
    405,
    "Method not allowed",
    false,
    "The address exists, but not for this method.",
    "The Allow header lists the methods.",
  ),
  "not-acceptable": entry(
    406,
    "No acceptable representation",
    false,
    "None of the media types in Accept can be served.",
    "An Accept header that leaves out SSE, NDJSON and JSON.",
  ),
  "connection-exists": entry(
    409,
    "The id is taken",
    false,
    "A connection with this id exists, or is being opened.",
    "The same id was posted twice; use PUT to create or replace.",
    show,
  ),
  "not-connected": entry(
    409,
    "Not connected",
    false,
    "The call needs a connection that is up, and this one has given up.",
    "An earlier refusal that is not retried; see lastError and lastReason.",
    show,
  ),
  "temporarily-not-connected": entry(
    503,
    "Not connected now",
    true,
    "The call needs a connection that is up, and this one is between attempts.",
    "The broker is away; Connack is trying again.",
    show,
  ),
  "idempotency-in-progress": entry(
    409,
    "The first call with this key is still running",
    true,
    "A call with the same Idempotency-Key has not finished.",
    "A retry that came before the first answer.",
  ),
  superseded: entry(
    409,
    "A newer attempt took its place",
    true,
    "Another call reconnected with other credentials while this one waited.",
    "Two calls to reconnect at once.",
    show,
  ),
  "connection-closed": entry(
    410,
    "The connection was closed meanwhile",
    false,
    "The connection was deleted or replaced while this call was waiting on it.",
    "A DELETE or PUT by someone else.",
  ),
  "precondition-failed": entry(
    412,
    "The precondition does not hold",
    false,
    "If-Match or If-None-Match does not fit the connection as it is now.",
    "Somebody changed it first; read it again.",
    show,
  ),
  "content-too-large": entry(
    413,
    "The body is too large",
    false,
    "The body is larger than this server reads.",
    "See limit.value, in bytes.",
  ),
  "unsupported-media-type": entry(
    415,
    "Unsupported media type",
    false,
    "The call reads application/json.",
    "curl sends a form type unless told: add -H 'Content-Type: application/json'.",
  ),
  "invalid-request": entry(
    422,
    "The request is not valid",
    false,
    "The body parses, but fields are wrong; errors names each and says what is wanted.",
    "A misspelt field, a value out of range, or an option that this protocol version does not have.",
  ),
  "idempotency-key-reused": entry(
    422,
    "The key was used for another request",
    false,
    "The same Idempotency-Key came with a different request.",
    "Keys must be unique to one request.",
  ),
  "bind-address-unavailable": entry(
    422,
    "The local address is not available",
    false,
    "bindAddress is not an address of this machine.",
    "A typing error, or an interface that is down.",
    "ip -brief address",
  ),
  "limit-reached": entry(
    429,
    "A limit is reached",
    true,
    "This server holds as many as it may; limit says which and how many.",
    "Too many connections, streams or waiting calls.",
    "curl -s http://127.0.0.1:8080/readyz",
  ),
  "internal-error": entry(
    500,
    "Internal error",
    false,
    "Something is wrong in Connack itself. The log has the details under the request id.",
    "A defect.",
    "Search the log for the request id.",
  ),
  "dns-error": entry(
    502,
    "The name does not resolve",
    true,
    "The broker's host name has no address, or the name service failed.",
    "A typing error in the host name, or a DNS failure.",
    dig,
  ),
  "connection-refused": entry(
    502,
    "Connection refused",
    true,
    "The broker's machine answered that nothing listens on that port.",
    "The broker is down, or the port is wrong.",
    dial,
  ),
  "network-unreachable": entry(
    502,
    "Network unreachable",
    true,
    "There is no route to the broker.",
    "A routing or firewall problem.",
    dial,
  ),
  "connection-reset": entry(
    502,
    "Connection reset",
    true,
    "The peer closed the connection abruptly before answering.",
    "A firewall, a proxy, or TLS where the peer expects none.",
    dial,
  ),
  "tls-error": entry(
    502,
    "TLS failed",
    false,
    "The TLS handshake failed, or the certificate was not accepted; cause says why.",
    "An expired or private certificate, another host name, or a missing client certificate.",
    openssl,
  ),
  "websocket-refused": entry(
    502,
    "WebSocket upgrade refused",
    false,
    "The peer answered the upgrade with something other than 101.",
    "A wrong path, or a missing header; httpStatus is what it said.",
    "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' http://broker.example/mqtt",
  ),
  "broker-refused": entry(
    502,
    "The broker refused the connection",
    false,
    "The broker answered CONNECT with a refusing reason code; see mqtt.",
    "Wrong credentials, a client id that is not allowed, or an unsupported version.",
    probe,
  ),
  "broker-unavailable": entry(
    503,
    "The broker is not available now",
    true,
    "The broker answered that it is busy, down, or over a quota; see mqtt.",
    "An overloaded broker.",
    probe,
  ),
  "broker-closed": entry(
    502,
    "The broker closed before CONNACK",
    true,
    "The network connection was closed before any answer to CONNECT.",
    "A broker that drops what it does not accept: an old version, a full listener, TLS on a plain port.",
    probe,
  ),
  "broker-protocol-error": entry(
    502,
    "The peer does not speak MQTT as it must",
    false,
    "What came back is not a valid MQTT answer.",
    "Another kind of server on that port.",
    probe,
  ),
  "connect-timeout": entry(
    504,
    "Timed out while connecting",
    true,
    "No open connection to the broker within the time allowed; stage says how far it came.",
    "A firewall that drops packets, or a slow name service.",
    dial,
  ),
  "connack-timeout": entry(
    504,
    "Timed out waiting for CONNACK",
    true,
    "The network connection is open, but the broker did not answer CONNECT in time.",
    "An overloaded broker, or another kind of server on that port.",
    probe,
  ),
  "ping-timeout": entry(
    504,
    "No PINGRESP in time",
    true,
    "The broker did not answer PINGREQ within the time allowed.",
    "A half-open network connection; keep alive will notice it.",
    show,
  ),
  "connection-lost": entry(
    502,
    "The connection was lost meanwhile",
    true,
    "The network connection to the broker went away while this call was waiting on it.",
    "A broker restart or a network failure.",
    show,
  ),
  "keep-alive-timeout": entry(
    502,
    "The broker fell silent",
    true,
    "Nothing arrived from the broker within keepAlive, not even an answer to PINGREQ.",
    "A half-open network connection, or a broker that hangs.",
    show,
  ),
  "broker-disconnected": entry(
    502,
    "The broker disconnected",
    true,
    "The broker sent DISCONNECT; see mqtt for its reason code.",
    "A restart, another client with the same client id, or an administrator.",
    show,
  ),
  "round-trip-failed": entry(
    504,
    "No message came back",
    true,
    "The probe published to the topic and did not receive it.",
    "The broker's ACL lets the client publish but not subscribe, or the reverse.",
    probe,
  ),
  "shutting-down": entry(
    503,
    "Shutting down",
    true,
    "This server is stopping and takes no new work.",
    "A restart or deployment.",
  ),
} satisfies Record<string, CatalogueEntry>;

export type ProblemCode = keyof typeof catalogue;
