import { integer } from "./forms.ts";
import { setting, type Setting } from "./setting.ts";

/** How much there may be of everything. */
export const limitSettings = {
  MAX_CONNECTIONS: setting(integer(1, 1_000_000), 20_000, "Connections held at most. Full: 429."),
  TENANT_MAX_CONNECTIONS: setting(
    integer(1, 1_000_000),
    5_000,
    "Connections of one tenant at most, other than `default`, which may have all there are. Full: 429.",
  ),
  MAX_TENANTS: setting(
    integer(1, 100_000),
    1_000,
    "Tenants that have something here, or are calling, at most. Full: 429.",
  ),
  MAX_STREAMS: setting(integer(1, 1_000_000), 10_000, "Open event streams at most. Full: 429."),
  TENANT_MAX_STREAMS: setting(
    integer(1, 1_000_000),
    2_000,
    "Open streams of one tenant at most, other than `default`. Full: 429.",
  ),
  MAX_WAITS: setting(
    integer(1, 1_000_000),
    10_000,
    "HTTP calls held open at most while they wait (`?wait`). Full: 429.",
  ),
  TENANT_MAX_WAITS: setting(
    integer(1, 1_000_000),
    2_000,
    "HTTP calls of one tenant held open at most, other than `default`. Full: 429.",
  ),
  MAX_BODY_BYTES: setting(
    integer(1_024, 268_435_456),
    2_097_152,
    "Bytes of a request body at most. Larger: 413.",
  ),
  MAX_PAYLOAD_BYTES: setting(
    integer(0, 268_435_455),
    1_048_576,
    "Bytes of one published payload at most. Larger: 413.",
  ),
  MAX_SUBSCRIPTIONS: setting(
    integer(1, 65_535),
    1_000,
    "Subscriptions of one connection at most, those of calls that read by `?subscribe` included. Full: 429.",
  ),
  MAX_TOKENS: setting(integer(1, 1_000_000), 200_000, "Tokens at most. Full: 429."),
  TENANT_MAX_TOKENS: setting(
    integer(1, 1_000_000),
    50_000,
    "Tokens of one tenant at most, other than `default`. Full: 429.",
  ),
  MAX_WEBHOOKS: setting(integer(1, 100_000), 1_000, "Webhooks at most. Full: 429."),
  TENANT_MAX_WEBHOOKS: setting(
    integer(1, 100_000),
    200,
    "Webhooks of one tenant at most, other than `default`. Full: 429.",
  ),
  MAX_WEBHOOK_REQUESTS: setting(
    integer(1, 10_000),
    64,
    "Requests to the endpoints of webhooks under way at once at most. More wait for their turn.",
  ),
  SEND_QUOTA: setting(
    integer(1, 60_000),
    1_000,
    "QoS 1 and 2 messages of one connection that may be unacknowledged at once; less where the broker's Receive Maximum is less, and 20 before MQTT 5, which has none. More wait.",
  ),
  MAX_INFLIGHT: setting(
    integer(1, 1_000_000),
    10_000,
    "Publishes of one connection under way at most, unacknowledged or waiting to be sent. Full: 429.",
  ),
  MAX_INFLIGHT_BYTES: setting(
    integer(1_024, 4_294_967_295),
    67_108_864,
    "Bytes of the packets of those at most. Full: 429.",
  ),
  MAX_OUTBOX: setting(
    integer(1, 1_000_000),
    10_000,
    "Messages of one connection that wait in its outbox at most. Full: 429.",
  ),
  MAX_OUTBOX_BYTES: setting(
    integer(1_024, 4_294_967_295),
    67_108_864,
    "Bytes of the payloads of those at most. Full: 429.",
  ),
  MAX_PACKET_BYTES: setting(
    integer(1_024, 268_435_455),
    16_777_216,
    "Bytes of one inbound MQTT packet at most. A larger one ends the network connection with reason code 0x95.",
  ),
  MAX_INBOUND_BYTES_PER_SECOND: setting(
    integer(0, 4_294_967_295),
    0,
    "Bytes a second that are read from one connection's broker; 0 for no bound. Over it, reading pauses for a while, and the broker has to wait: nothing is dropped. A pause ends before keep alive would notice it.",
  ),
  MAX_EVENTS: setting(
    integer(16, 1_000_000),
    10_000,
    "Lifecycle events kept for `GET /events`, and 2 KiB times that at most; the oldest go first. Each connection keeps its own last 1,000, and 1 MiB at most.",
  ),
  PUBLISH_IDLE_TIMEOUT_MS: setting(
    integer(100, 86_400_000),
    3_600_000,
    "Milliseconds that a caller who publishes lines may send nothing. Then the answer ends.",
  ),
  HEADER_TIMEOUT_MS: setting(
    integer(100, 240_000),
    15_000,
    "Milliseconds from the accept of an HTTP network connection until the head of its first request has come. Later: closed. Bun has 12 seconds of its own, whatever this says.",
  ),
  MAX_HEADER_BYTES: setting(
    integer(1_024, 65_536),
    16_384,
    "Bytes of the head of a request at most. Larger: 431. Deno has a limit of its own of about 64 KiB, whatever this says, and answers 400.",
  ),
  BODY_TIMEOUT_MS: setting(
    integer(100, 3_600_000),
    30_000,
    "Milliseconds from the head of a request until its body has come. Later: 408, and closed. Not for lines that are published.",
  ),
  HTTP_IDLE_TIMEOUT_MS: setting(
    integer(100, 240_000),
    30_000,
    "Milliseconds from an answer until the head of the next request on that network connection has come. Later: closed. Bun rounds up to whole seconds, and to 4 where they are few.",
  ),
  MAX_HTTP_CONNECTIONS: setting(
    integer(1, 1_000_000),
    20_000,
    "HTTP network connections open at most. Full: closed at once. On Bun, calls under way at most, and 503.",
  ),
  HEARTBEAT_MS: setting(
    integer(100, 60_000),
    15_000,
    "Milliseconds between heartbeats on an idle stream, which come up to a quarter later.",
  ),
  STREAM_WRITE_TIMEOUT_MS: setting(
    integer(100, 600_000),
    30_000,
    "Milliseconds that a reader may leave its stream's bytes untaken before it is cut off.",
  ),
} satisfies Record<string, Setting<unknown>>;
