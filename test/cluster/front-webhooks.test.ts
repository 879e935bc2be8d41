import assert from "node:assert/strict";
import type { RequestContext } from "../../src/app.ts";
import { Refused } from "../../src/cluster/front-answer.ts";
import { webhooksOfAll } from "../../src/cluster/front-webhooks.ts";
import { Problem } from "../../src/problem.ts";
import { describe, it } from "../support/test.ts";

interface Call {
  readonly cell: number;
  readonly method: string;
  readonly path: string;
  readonly only: readonly string[] | undefined;
}

type Answering = (call: Call) => { readonly status: number; readonly body?: unknown } | "away" | "silent";

/** The front's webhooks over three cells that answer so. */
function front(answering: Answering) {
  const calls: Call[] = [];
  const webhooks = webhooksOfAll({
    shards: 3,
    call: async (cell: number, request: Request, context?: RequestContext) => {
      const { pathname, search } = new URL(request.url);
      const call = { cell, method: request.method, path: pathname + search, only: context?.onlyWebhooks };
      calls.push(call);
      const answer = answering(call);
      if (answer === "away") throw new Problem("no-owner", "away");
      if (answer === "silent") return new Promise<Response>(() => {});
      const { status, body } = answer;
      return new Response(body === undefined ? null : JSON.stringify(body), { status });
    },
  });
  const ask = async (method: string, path: string, body?: string) => {
    const request = new Request(`http://connack.test${path}`, {
      method,
      ...(body === undefined ? {} : { body }),
    });
    return webhooks(request, {}).catch((error: unknown) => {
      if (error instanceof Refused) return error.response;
      throw error;
    });
  };
  return { ask, calls };
}

const view = (id: string, delivered = 1) => ({
  ...{ id, state: "active", lastSuccessAt: null, lastFailure: null, failuresInARow: 0, nextAttemptAt: null },
  counters: { delivered },
});
const page = (...items: unknown[]) => ({ status: 200, body: { items, next: null } });

describe("webhooks of the front", () => {
  for (const [method, path] of [
    ["POST", "/webhooks"],
    ["DELETE", "/webhooks/w"],
    ["POST", "/webhooks/w/test"],
    ["PUT", "/webhooks/w"],
    ["POST", "/webhooks/w/deliveries"],
    ["GET", "/webhooks/w/deliveries/msg_1"],
    ["OPTIONS", "/webhooks/w"],
  ] as const) {
    it(`${method} ${path} is for the cell that keeps them alone`, async () => {
      const { ask, calls } = front(() => ({ status: 204 }));
      assert.equal((await ask(method, path)).status, 204);
      assert.deepEqual(calls, [{ cell: 0, method, path, only: undefined }]);
    });
  }

  it("asks the other cells for the webhooks of a page, and for no others", async () => {
    const { ask, calls } = front(({ cell, only }) =>
      cell === 0
        ? page(view("w1"), view("w2"))
        : page(...(only ?? []).slice(cell - 1).map((id) => view(id, 10))),
    );
    const answer = await ask("GET", "/webhooks?limit=2&label=a:b");
    const { items } = (await answer.json()) as { items: ReturnType<typeof view>[] };
    assert.deepEqual(items, [view("w1", 11), view("w2", 21)]);
    assert.deepEqual(calls, [
      { cell: 0, method: "GET", path: "/webhooks?limit=2&label=a:b", only: undefined },
      ...[1, 2].map((cell) => ({ cell, method: "GET", path: "/webhooks", only: ["w1", "w2"] })),
    ]);
  });

  it("asks for many in parts that fit into the head of a call", async () => {
    const ids = Array.from({ length: 1_000 }, (_, n) => `w_${String(n).padStart(36, "0")}`);
    const { ask, calls } = front(({ cell, only }) =>
      page(...(cell === 0 ? ids : (only ?? [])).map((id) => view(id))),
    );
    const { items } = (await (await ask("GET", "/webhooks?limit=1000")).json()) as { items: unknown[] };
    assert.deepEqual(
      items,
      ids.map((id) => view(id, 3)),
    );
    for (const { only = [] } of calls) assert.ok(JSON.stringify(JSON.stringify(only)).length < 16_384);
  });

  it("shows none where a cell has no owner: its numbers would be wrong", async () => {
    const { ask } = front(({ cell }) => (cell === 2 ? "away" : page(view("w"))));
    await assert.rejects(
      ask("GET", "/webhooks"),
      (error) => error instanceof Problem && error.code === "no-owner",
    );
  });

  it("answers a change that has been made, whoever is away or says nothing", async () => {
    for (const others of ["away", "silent"] as const) {
      const { ask } = front(({ cell }) => (cell === 0 ? { status: 200, body: view("w") } : others));
      const answer = await ask("PATCH", "/webhooks/w", "{}");
      assert.deepEqual([answer.status, await answer.json()], [200, view("w")]);
    }
  });

  it("asks nobody else where the cell that keeps them says no", async () => {
    for (const [method, path] of [
      ["GET", "/webhooks"],
      ["GET", "/webhooks/w"],
      ["PATCH", "/webhooks/w"],
      ["POST", "/webhooks/w/replay"],
    ] as const) {
      const { ask, calls } = front(() => ({ status: 403, body: { code: "forbidden" } }));
      const answer = await ask(method, path);
      assert.deepEqual([answer.status, await answer.json()], [403, { code: "forbidden" }]);
      assert.equal(calls.length, 1);
    }
  });

  it("takes the answer of the cell that has a dead delivery, and waits for no other", async () => {
    const { ask } = front(({ cell }) =>
      cell === 1 ? { status: 200, body: { state: "delivered" } } : cell === 2 ? "silent" : { status: 404 },
    );
    const answer = await ask("POST", "/webhooks/w/deliveries/msg_1/replay");
    assert.deepEqual(await answer.json(), { state: "delivered" });
  });

  it("does not say that a delivery is not there where a cell that may have it is away", async () => {
    const { ask } = front(({ cell }) => (cell === 2 ? "away" : { status: 404 }));
    await assert.rejects(
      ask("POST", "/webhooks/w/deliveries/msg_1/replay"),
      (error) => error instanceof Problem && error.code === "no-owner",
    );
  });
});
