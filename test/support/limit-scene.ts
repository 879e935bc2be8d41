import assert from "node:assert/strict";
import { openPrincipal, type Principal } from "../../src/access/principal.ts";
import type { Answer, TestApp } from "./app.ts";
import { accepts } from "./broker-scripts.ts";
import { durablePlace } from "./durable-app.ts";
import type { EventReader } from "./event-reader.ts";
import { startMosquitto, type Mosquitto } from "./mosquitto.ts";
import { startScriptedBroker } from "./scripted-broker.ts";

/** An app with work under way: `home` is connected and subscribed to `t/#`, and somebody reads what comes. */
export interface LimitScene {
  readonly app: TestApp;
  readonly broker: Mosquitto;
  /** The URL of a broker that takes every connection, and acknowledges no PUBLISH. */
  readonly silent: string;
  readonly call: TestApp["call"];
}

/** Whoever calls for a tenant that is not the default one. */
export function principalOf(tenant: string, more: Partial<Principal> = {}): Principal {
  return { ...openPrincipal(), tenant, ...more };
}

/** Runs `body` in a scene, with these limits; afterwards what was under way goes on as before. */
export async function inLimitScene(
  environment: Record<string, string>,
  tenant: string,
  body: (scene: LimitScene) => Promise<void>,
): Promise<void> {
  await using broker = await startMosquitto();
  await using silent = await startScriptedBroker(accepts());
  await using place = durablePlace();
  const app = await place.start({ ...place.environment, ...environment }, { principal: principalOf(tenant) });
  const request = { url: broker.url, subscriptions: [{ topicFilter: "t/#", qos: 0 }] };
  const opened = await app.call("PUT", "/connections/home", request);
  assert.equal(opened.status, 201, opened.text);
  const granted = async () =>
    (await app.call("GET", "/connections/home/subscriptions")).body.items[0].grantedQos;
  while ((await granted()) !== 0);
  await using messages = await app.events("/connections/home/messages", {
    accept: "text/event-stream",
  });
  await body({ app, broker, silent: silent.url, call: (...request) => app.call(...request) });
  await goesOn(app, messages);
}

async function goesOn(app: TestApp, messages: EventReader): Promise<void> {
  const publish = () =>
    app.call("POST", "/connections/home/publish?topic=t/still", "here", { "content-type": "text/plain" });
  let answer = await publish();
  // What was too often is not for long.
  for (; answer.status === 429; answer = await publish()) assert.equal(answer.body.code, "rate-limited");
  assert.equal(answer.status, 202, answer.text);
  for (;;) if ((await messages.next()).data.topic === "t/still") break;
  let view = await app.call("GET", "/connections/home");
  while (view.status === 429) view = await app.call("GET", "/connections/home");
  assert.equal(view.body.state, "connected", view.text);
  assert.equal(view.body.counters.disconnects, 0);
}

/** Asserts that this is what a limit that is reached is answered with. */
export function assertLimited(answer: Answer, code: string, setting: string): void {
  assert.equal(answer.status, 429, answer.text);
  assert.equal(answer.body.code, code, answer.text);
  assert.equal(answer.body.limit?.name, setting, answer.text);
  assert.equal(answer.body.retryable, true);
  const after = Number(answer.headers.get("retry-after"));
  assert.ok(Number.isInteger(after) && after >= 1, `Retry-After: ${after}`);
}

/** The metrics by their names with labels. */
export async function readMetrics(app: TestApp): Promise<Map<string, number>> {
  const { status, text } = await app.call("GET", "/metrics");
  assert.equal(status, 200, text);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
