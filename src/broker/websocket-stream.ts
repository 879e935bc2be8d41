import { Duplex } from "node:stream";
import driver, { type Driver } from "websocket-driver";
import { AttemptError, type Failure } from "./failure.ts";

export interface WebSocketOptions {
  /** `ws://host:port/path`, as the peer shall see it in Host and in the request line. */
  readonly url: string;
  readonly protocol: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of one inbound WebSocket message at most. */
  readonly maxMessageBytes: number;
}

/**
 * Upgrades an open connection to WebSocket (RFC 6455) and resolves with a stream of the bytes in its binary messages,
 * which is how MQTT travels in it (MQTT 5 §6).
 *
 * @throws {AttemptError} `websocket-refused`; `broker-closed` where the peer closed instead of answering
 */
export function openWebSocket(socket: Duplex, options: WebSocketOptions): Promise<Duplex> {
  const protocol = driver.client(options.url, {
    protocols: [options.protocol],
    maxLength: options.maxMessageBytes,
  });
  for (const [name, value] of Object.entries(options.headers)) protocol.setHeader(name, value);
  return new Promise((resolve, reject) => {
    const refuse = (failure: Failure) => {
      socket.destroy();
      reject(new AttemptError(failure));
    };
    const onError = () => refuse(refusal(protocol.statusCode));
    const onClose = () => refuse(closedFailure);
    protocol.once("error", onError);
    socket.once("close", onClose);
    protocol.once("open", () => {
      protocol.removeListener("error", onError);
      socket.removeListener("close", onClose);
      resolve(new WebSocketStream(socket, protocol, options.maxMessageBytes));
    });
    socket.pipe(protocol.io).pipe(socket);
    protocol.start();
  });
}

const closedFailure: Failure = {
  stage: "websocket",
  code: "broker-closed",
  detail: "The peer closed instead of answering the WebSocket upgrade",
  retryable: true,
  hint: "Check that the broker has a WebSocket listener on this port, and whether it wants wss://.",
};

function refusal(httpStatus: number | undefined): Failure {
  const stage = "websocket";
  if (httpStatus === undefined || httpStatus === 101) {
    const detail =
      httpStatus === 101
        ? "The peer's answer to the WebSocket upgrade is not valid"
        : "The peer did not answer the WebSocket upgrade with HTTP";
    return {
      stage,
      code: "websocket-refused",
      detail,
      retryable: false,
      hint: "Check the port, and websocket.protocol.",
    };
  }
  return {
    stage,
    code: "websocket-refused",
    detail: `The peer answered the WebSocket upgrade with HTTP status ${httpStatus}`,
    httpStatus,
    retryable: httpStatus >= 500 || httpStatus === 429 || httpStatus === 408,
    hint:
      httpStatus === 401 || httpStatus === 403
        ? "The upgrade needs credentials: see websocket.headers."
        : "Check the path of the broker's WebSocket listener.",
  };
}

/** `what` completes "The peer …". It is never mistaken for a peer that merely closed. */
function broken(what: string): AttemptError {
  return new AttemptError({
    stage: "connack",
    code: "broker-protocol-error",
    detail: `The peer ${what}`,
    retryable: true,
    hint: "The broker, or a proxy in between, is faulty.",
  });
}

/**
 * Of one message (RFC 6455 §5.4). Each is kept until the last has come, and an empty one is two bytes for a peer and a
 * hundred here: the length of the message bounds nothing then. Proxies cut by their buffers, of some kilobytes.
 */
const mostFragments = 16_384;
const fewBytes = 4_096;

/** The bytes inside the binary messages of an open WebSocket, with back-pressure both ways. */
class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  readonly #driver: Driver;
  /** Between the fragments of a message there may be other frames, and what is kept of one keeps those near it. */
  readonly #mostUnfinishedBytes: number;
  #unfinishedBytes = 0;

  constructor(socket: Duplex, protocol: Driver, maxMessageBytes: number) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#driver = protocol;
    this.#mostUnfinishedBytes = 2 * maxMessageBytes;
    // After the driver, which has had these bytes.
    socket.on("data", (bytes: Buffer) => this.#checkUnfinished(bytes.length));
    protocol.messages.on("data", (data: Buffer | string) => {
      this.#unfinishedBytes = 0;
      // A text message is a protocol error here (MQTT-6.0.0-1).
      if (typeof data === "string") this.destroy(broken("sent a WebSocket text message; MQTT is binary"));
      // A copy, so that a few bytes do not keep all that came with them.
      else if (!this.push(data.length < fewBytes ? Buffer.from(data) : data)) protocol.messages.pause();
    });
    // The driver's text may repeat the peer's bytes.
    protocol.on("error", () =>
      this.destroy(broken("broke the WebSocket protocol, or sent too large a message")),
    );
    socket.on("error", (error) => this.destroy(error));
    // Not destroyed at once: a CONNACK that came just before the close is still to be read.
    socket.on("close", () => this.push(null));
  }

  #checkUnfinished(bytes: number): void {
    const { _message: unfinished } = this.#driver;
    this.#unfinishedBytes = unfinished === undefined ? 0 : this.#unfinishedBytes + bytes;
    if (unfinished === undefined) return;
    if (unfinished._chunks.length > mostFragments || this.#unfinishedBytes > this.#mostUnfinishedBytes)
      this.destroy(broken("sent a WebSocket message in too many fragments"));
  }

  override _read(): void {
    this.#driver.messages.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#driver.binary(chunk);
    if (this.#socket.writableNeedDrain) this.#socket.once("drain", () => done());
    else done();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) done();
    else {
      this.#driver.close();
      this.#socket.end(() => done());
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
