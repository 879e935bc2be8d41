import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * One keep-alive HTTP/1.1 connection, one request at a time, and as little work as can be: what is measured is to be
 * the server. It reads answers that have a Content-Length, which all that are asked for here have.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #fields: string;
  #received = "";
  #settle: ((answer: HttpAnswer) => void) | null = null;

  private constructor(socket: Socket, host: string, fields: string) {
    this.#socket = socket;
    this.#host = host;
    this.#fields = fields;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#read(text));
  }

  static async open(url: string, fields = ""): Promise<HttpConnection> {
    const { hostname, port, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, "connect");
    return new HttpConnection(socket, host, fields);
  }

  /** Sends a request; rejects unless the answer has the status that is expected. */
  async call(method: string, path: string, status: number, json?: object): Promise<HttpAnswer> {
    if (this.#socket.destroyed)
      throw new Error(`${method} ${path}: the connection has been idle for too long`);
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const onClose = () => reject(new Error(`${method} ${path}: the server closed the connection`));
    this.#settle = resolve;
    this.#socket.once("close", onClose);
    const body = json === undefined ? "" : JSON.stringify(json);
    const fields = body === "" ? "" : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
    this.#socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${this.#fields}${fields}\r\n${body}`,
    );
    const answer = await promise;
    this.#socket.removeListener("close", onClose);
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf("\r\n\r\n");
    if (end === -1) return;
    const head = this.#received.slice(0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    const body = this.#received.slice(end + 4, end + 4 + length);
    this.#received = this.#received.slice(end + 4 + length);
    this.#settle?.({ status: Number(head.slice(9, 12)), body });
  }
}

/** Opens `count` connections to one server. */
export function openConnections(url: string, count: number): Promise<HttpConnection[]> {
  return Promise.all(Array.from({ length: count }, () => HttpConnection.open(url)));
}
