import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { AppOverrides } from "../../src/app-overrides.ts";
import { startApp, type Answer, type TestApp, type TestOptions } from "./app.ts";
import { accepts } from "./broker-scripts.ts";
import { startScriptedBroker, type Script, type ScriptedBroker } from "./scripted-broker.ts";
import { it } from "./test.ts";

/** What a fault may not change: an app with a bystander on it, which listens to all that is answered. */
export interface Rig {
  readonly app: TestApp;
  /** A password that {@link Rig.open} sends; it may be seen by the broker alone. */
  readonly canary: string;
  /** As `TestApp.call`, with its answer noted. */
  readonly call: TestApp["call"];
  /** POST /connections with the canary as password, unless the request has one or is no object. */
  readonly open: (request: object, query?: string, headers?: Record<string, string>) => Promise<Answer>;
  /** A scripted broker, whose network connections must all be gone in the end. */
  readonly broker: (
    script: Script,
    options?: Parameters<typeof startScriptedBroker>[1],
  ) => Promise<ScriptedBroker>;
}

interface RigOptions extends TestOptions {
  readonly timeout?: number;
  readonly skip?: boolean | string;
  /** Called when the test begins. */
  readonly environment?: () => Record<string, string>;
  readonly overrides?: AppOverrides;
  /** False where nothing on this machine may be connected to. */
  readonly bystander?: boolean;
}

/** A test after which the invariants at the top of the list of faults are checked. */
export function itHolds(name: string, body: (rig: Rig) => Promise<void>, options: RigOptions = {}): void {
  const { environment, overrides, unchecked, bystander: hasBystander = true, ...rest } = options;
  const run = async () => {
    await using bystanders = await startScriptedBroker(accepts());
    await using brokers = new AsyncDisposableStack();
    await using app = await startApp(
      environment?.(),
      overrides,
      unchecked === undefined ? {} : { unchecked },
    );
    const answers: Answer[] = [];
    const scripted: ScriptedBroker[] = [];
    const call: Rig["call"] = async (...request) => {
      const answer = await app.call(...request);
      answers.push(answer);
      return answer;
    };
    const canary = `canary-${randomUUID()}`;
    const rig: Rig = {
      app,
      canary,
      call,
      open: (request, query = "", headers) =>
        call("POST", `/connections${query}`, withPassword(request, canary), headers),
      broker: async (script, brokerOptions) => {
        const broker = brokers.use(await startScriptedBroker(script, brokerOptions));
        scripted.push(broker);
        return broker;
      },
    };
    const bystander = hasBystander ? await openBystander(app, bystanders.url) : null;
    await body(rig);
    await checkAlive(app);
    if (bystander !== null) await checkUndisturbed(app, bystander);
    await checkKept(app, answers);
    await checkAnswers(app, answers, canary);
    await removeAll(app);
    for (const broker of scripted) await broker.idle();
  };
  it(name, run, rest);
}

function withPassword(request: object, canary: string): object {
  if ("password" in request || "passwordEncoding" in request) return request;
  return { username: "user", password: canary, ...request };
}

async function openBystander(app: TestApp, url: string): Promise<Answer> {
  const opened = await app.open({ id: "bystander", url });
  assert.equal(opened.status, 201, opened.text);
  return opened;
}

async function checkAlive(app: TestApp): Promise<void> {
  const health = await app.call("GET", "/healthz");
  assert.equal(health.status, 200, health.text);
}

/** Still on its first network connection, without any event since, and the broker answers through it. */
async function checkUndisturbed(app: TestApp, opened: Answer): Promise<void> {
  const ping = await app.call("POST", "/connections/bystander/ping");
  assert.equal(ping.status, 200, ping.text);
  const now = await app.call("GET", "/connections/bystander");
  assert.equal(now.body.state, "connected");
  assert.equal(now.body.version, opened.body.version);
  assert.equal(now.body.counters.connects, 1);
}

async function listed(app: TestApp): Promise<string[]> {
  const list = await app.call("GET", "/connections?limit=1000");
  return list.body.items.map(({ id }: { id: string }) => id);
}

/** Only what a call was told to be there is there. */
async function checkKept(app: TestApp, answers: readonly Answer[]): Promise<void> {
  const promised = new Set(["bystander"]);
  for (const { status, body } of answers) {
    if (status < 300 && typeof body?.id === "string") promised.add(body.id);
  }
  for (const id of await listed(app)) assert.ok(promised.has(id), `${id} was kept, though its call failed`);
}

async function checkAnswers(app: TestApp, answers: readonly Answer[], canary: string): Promise<void> {
  const outputs = answers.map(({ text, headers }) => `${text}${[...headers].join()}`);
  const read = [
    "/events?format=json&limit=1000",
    "/connections",
    ...(await listed(app)).map((id) => `/connections/${id}`),
  ];
  for (const path of read) outputs.push((await app.call("GET", path)).text);
  for (const output of [...outputs, ...app.logs])
    assert.ok(!output.includes(canary), `a secret shows in ${output.replaceAll(canary, "<canary>")}`);
  for (const { status, text } of answers) assert.notEqual(status, 500, text);
  assert.deepEqual(
    app.logs.filter((line) => line.includes('"level":"error"')),
    [],
  );
}

async function removeAll(app: TestApp): Promise<void> {
  for (const id of await listed(app)) await app.call("DELETE", `/connections/${id}?force=true`);
  assert.deepEqual(await listed(app), []);
}

/** The result with the milliseconds that it took. */
export async function timed<T>(promise: Promise<T>): Promise<readonly [result: T, ms: number]> {
  const start = performance.now();
  const result = await promise;
  return [result, performance.now() - start];
}

/** Asserts a problem's status and code, and that all of section 8 is in it. */
export function assertProblem(answer: Answer, status: number, code: string): void {
  const { body } = answer;
  assert.equal(answer.status, status, answer.text);
  assert.equal(body.code, code, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  assert.equal(body.status, status);
  assert.equal(body.type, `/problems/${code}`);
  assert.equal(body.instance, `urn:request:${answer.headers.get("x-request-id")}`);
  for (const name of ["title", "detail"]) assert.ok(body[name].length > 0, `${name} is empty`);
  assert.equal(typeof body.retryable, "boolean");
}
