import { connect, type Socket } from "node:net";

/** A report, untyped on purpose: tests look into it. */
// oxlint-disable-next-line no-explicit-any
export type Report = any;

/** A POST of lines whose response is read while its body is written, over a socket of its own. */
export class DuplexCall implements Disposable {
  readonly socket: Socket;
  /** The network connection is over, whoever ended it. */
  readonly closed: Promise<void>;
  /** The response's head, when all of it has come. */
  head = "";
  /** The response has come to its proper end. */
  complete = false;
  readonly #unread: Report[] = [];
  readonly #waiting: ((report: Report) => void)[] = [];
  #bytes = "";
  #body = "";
  #over = false;

  constructor(url: string, path: string, headers: readonly string[] = []) {
    const { port, host } = new URL(url);
    this.socket = connect({ port: Number(port), host: "127.0.0.1" });
    this.closed = new Promise((resolve) => this.socket.once("close", () => resolve()));
    this.socket.on("data", (chunk: Buffer) => this.#read(chunk.toString("latin1")));
    this.socket.on("error", () => {});
    this.socket.once("close", () => this.#end());
    const lines = [
      `POST ${path} HTTP/1.1`,
      `Host: ${host}`,
      "Content-Type: application/x-ndjson",
      ...headers,
    ];
    this.socket.write(`${lines.join("\r\n")}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  }

  /** Sends one chunk. False when the network does not take more for now. */
  send(text: string | Buffer): boolean {
    const bytes = Buffer.from(text);
    const size = `${bytes.length.toString(16)}\r\n`;
    return this.socket.write(Buffer.concat([Buffer.from(size), bytes, Buffer.from("\r\n")]));
  }

  /** Ends the body; the response goes on. */
  end(): void {
    this.socket.write("0\r\n\r\n");
  }

  /** The next report; null when there will be none. */
  next(): Promise<Report> {
    const report = this.#unread.shift();
    if (report !== undefined) return Promise.resolve(report);
    if (this.#over) return Promise.resolve(null);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** All reports up to the end of the response. */
  async rest(): Promise<Report[]> {
    const reports: Report[] = [];
    for (let report = await this.next(); report !== null; report = await this.next()) reports.push(report);
    return reports;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #read(text: string): void {
    this.#bytes += text;
    if (this.head === "") {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end === -1) return;
      const head = this.#bytes.slice(0, end);
      this.#bytes = this.#bytes.slice(end + 4);
      if (head.startsWith("HTTP/1.1 100 ")) return this.#read("");
      this.head = head;
    }
    // One runtime does not cut a body into chunks that it has whole before it has sent the head.
    const length = Number(/^content-length: (\d+)$/im.exec(this.head)?.[1] ?? -1);
    if (length >= 0) return this.#readWhole(length);
    for (;;) {
      const [start = "", hex = ""] = /^([0-9a-f]+)\r\n/i.exec(this.#bytes) ?? [];
      const size = Number.parseInt(hex, 16);
      if (start === "" || this.#bytes.length < start.length + size + 2) return;
      if (size === 0) {
        this.complete = true;
        return this.#end();
      }
      this.#body += this.#bytes.slice(start.length, start.length + size);
      this.#bytes = this.#bytes.slice(start.length + size + 2);
      this.#cut();
    }
  }

  #readWhole(length: number): void {
    if (this.#bytes.length < length) return;
    this.#body = this.#bytes;
    this.#cut();
    this.complete = true;
    this.#end();
  }

  #cut(): void {
    const lines = this.#body.split("\n");
    this.#body = lines.pop() ?? "";
    for (const line of lines) {
      const report: Report = JSON.parse(Buffer.from(line, "latin1").toString());
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#unread.push(report);
      else waiting(report);
    }
  }

  #end(): void {
    this.#over = true;
    for (const resolve of this.#waiting.splice(0)) resolve(null);
  }
}
