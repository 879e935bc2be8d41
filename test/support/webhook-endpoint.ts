import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { Webhook } from "standardwebhooks";
import type { Schedule } from "../../src/webhooks/schedule.ts";
import type { Certificate } from "./certificates.ts";
import { listenOnLoopback } from "./loopback-server.ts";

/** A request that came. */
export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body, untyped on purpose: tests look into it. */
  // oxlint-disable-next-line no-explicit-any
  readonly body: any;
}

export type Answering = (response: ServerResponse, request: IncomingMessage, received: Received) => void;

export interface WebhookEndpoint extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  /** How requests are answered from now on. */
  answer: Answering;
  /** The nth request, counted from 1, now or when it comes. */
  nth(number: number): Promise<Received>;
  /** Resolves when no network connection is open. */
  idle(): Promise<void>;
}

/** An endpoint on 127.0.0.1 that answers 204 unless told. */
export async function startEndpoint(
  answer: Answering = status(204),
  tls?: Certificate,
): Promise<WebhookEndpoint> {
  const received: Received[] = [];
  const waiting: (() => void)[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const headers = request.headers as Record<string, string>;
    const one = { path: request.url ?? "", headers, text, body: JSON.parse(text) };
    received.push(one);
    for (const wake of waiting.splice(0)) wake();
    endpoint.answer(response, request, one);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    // A client that hangs up is often the point of the test.
    take(request, response).catch(() => {});
  };
  const server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
  const listening = await listenOnLoopback(server);
  const endpoint: WebhookEndpoint = {
    url: `http${tls === undefined ? "" : "s"}://127.0.0.1:${listening.port}/hook`,
    port: listening.port,
    received,
    answer,
    async nth(number) {
      for (;;) {
        const one = received[number - 1];
        if (one !== undefined) return one;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    idle: () => listening.idle(),
    [Symbol.asyncDispose]: () => listening.close(),
  };
  return endpoint;
}

export function status(code: number, headers: Record<string, string> = {}): Answering {
  return (response) => response.writeHead(code, headers).end();
}

/** Answers with these in turn, and with the last one from then on. */
export function inTurn(...all: readonly Answering[]): Answering {
  let count = 0;
  return (...args) => {
    const answer = all[Math.min(count, all.length - 1)];
    count += 1;
    answer?.(...args);
  };
}

/** Never answers. */
export const silence: Answering = () => {};

/** Verifies by the published library; throws where it does not hold. */
export function verify(secret: string, { text, headers }: Received): void {
  new Webhook(secret).verify(text, { ...headers });
}

/** 32 bytes of one kind. */
export const secretOf = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString("base64")}`;

/** As the standard schedule, in a thousandth of a second or less where it has minutes. */
export const quick: Schedule = {
  delaysMs: [1, 2, 5],
  giveUpAfterMs: 10_000,
  timeoutMs: 10_000,
  mostRetryAfterMs: 500,
};
