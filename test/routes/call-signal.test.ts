import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../routes/context.ts";
import { findPrincipal } from "../../routes/middleware/access.ts";
import { callSignal } from "../../routes/middleware/call-signal.ts";
import { onError } from "../../routes/middleware/problems.ts";
import { nameRequest } from "../../routes/middleware/request-id.ts";
import type { Principal } from "../../src/access/principal.ts";
import { CallerLeft } from "../../src/connection/operations.ts";
import { quiet, request, startAccess, whoIs, type TestAccess } from "../support/access.ts";
import { describe, it } from "../support/test.ts";

/** A route that waits until its call is over, as those that wait for a broker do. */
function waitingApp(control: TestAccess) {
  const app = new Hono<AppEnv>();
  const entered = Promise.withResolvers<AbortSignal>();
  app.onError(onError(quiet));
  app.use(async (c, next) => {
    nameRequest(c);
    c.set("principal", await findPrincipal(c, control));
    await next();
    c.get("releaseSignal")?.();
  });
  app.get("/wait", async (c) => {
    const signal = callSignal(c);
    entered.resolve(signal);
    await new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(new CallerLeft()), { once: true }),
    );
    return c.text("never");
  });
  app.get("/at-once", (c) => {
    entered.resolve(callSignal(c));
    return c.text("done");
  });
  return { app, entered: entered.promise };
}

const made = async (control: TestAccess) => {
  const { token, view } = await control.tokens.create(request(), "default", "admin");
  const principal = whoIs(control, token) as Principal;
  return { id: view.id, principal, headers: { authorization: `Bearer ${token}` } };
};

describe("callSignal()", () => {
  it("aborts a call whose token is revoked, which is then answered 401", async () => {
    await using control = await startAccess();
    const { app, entered } = waitingApp(control);
    const { id, headers } = await made(control);
    const answering = app.request("/wait", { headers });
    await entered;
    await control.tokens.revoke(id, () => true);
    const answer = await answering;
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("www-authenticate"), 'Bearer error="invalid_token"');
  });

  it("aborts when the caller leaves, which nobody is told", async () => {
    await using control = await startAccess();
    const { app, entered } = waitingApp(control);
    const { principal, headers } = await made(control);
    const caller = new AbortController();
    const answering = app.request("/wait", { headers, signal: caller.signal });
    await entered;
    assert.equal(principal.tenure.isWatched, true);
    caller.abort();
    assert.equal((await answering).status, 499);
    assert.equal(principal.tenure.isWatched, false);
  });

  it("is let go of when the call has ended", async () => {
    await using control = await startAccess();
    const { app, entered } = waitingApp(control);
    const { id, principal, headers } = await made(control);
    assert.equal((await app.request("/at-once", { headers })).status, 200);
    assert.equal(principal.tenure.isWatched, false);
    await control.tokens.revoke(id, () => true);
    assert.equal((await entered).aborted, false);
  });

  it("is the request's own where there are no tokens", async () => {
    await using control = await startAccess({ adminToken: null });
    const { app, entered } = waitingApp(control);
    const call = new Request("http://localhost/at-once");
    await app.request(call);
    assert.equal(await entered, call.signal);
  });
});
