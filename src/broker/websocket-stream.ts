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
      resolve(new WebSocketStream(socket, protocol));
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

/** The bytes inside the binary messages of an open WebSocket, with back-pressure both ways. */
class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  readonly #driver: Driver;

  constructor(socket: Duplex, protocol: Driver) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#driver = protocol;
    protocol.messages.on("data", (data: Buffer | string) => {
      // A text message is a protocol error here (MQTT-6.0.0-1).
      if (typeof data === "string") this.destroy(broken("sent a WebSocket text message; MQTT is binary"));
      else if (!this.push(data)) protocol.messages.pause();
    });
    // The driver's text may repeat the peer's bytes.
    protocol.on("error", () =>
      this.destroy(broken("broke the WebSocket protocol, or sent too large a message")),
    );
    socket.on("error", (error) => this.destroy(error));
    // Not destroyed at once: a CONNACK that came just before the close is still to be read.
    socket.on("close", () => this.push(null));
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
