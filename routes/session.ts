import { createRoute, z } from "@hono/zod-openapi";
import type { Access } from "../src/access/access.ts";
import type { Pass } from "../src/access/passes.ts";
import type { Principal } from "../src/access/principal.ts";
import { timestamp } from "../src/clock.ts";
import { requireAccessControl } from "./access-control.ts";
import type { App, Services } from "./context.ts";
import { noCookie, sessionCookie, sessionOf } from "./middleware/session-cookie.ts";
import { tokenNeeded } from "./middleware/unauthorized.ts";
import { answers } from "./parameters.ts";

/** `/session`: a cookie for pages of this server, so that no page has to keep a token; and who one is. */
export function mountSession(app: App, { access }: Services): void {
  app.use("/session", requireAccessControl(access));
  const request = { query: z.strictObject({}) };
  const post = createRoute({ method: "post", path: "/session", request, responses: answers });
  app.openapi(post, async (c) => {
    // By a cookie, a session would go on for ever.
    if (c.req.header("authorization") === undefined)
      throw tokenNeeded("A session is begun with a token: Authorization: Bearer <token>");
    const { session, secret, kept } = access.sessions.create(c.get("principal"));
    if (kept !== null) await kept;
    c.header("Set-Cookie", sessionCookie(secret));
    c.header("Cache-Control", "no-store");
    return c.json(whoIs(access, session.principal, session), 201) as never;
  });
  const get = createRoute({ method: "get", path: "/session", request, responses: answers });
  app.openapi(get, (c) => {
    c.header("Cache-Control", "no-store");
    return c.json(whoIs(access, c.get("principal"), sessionOf(c, access.sessions))) as never;
  });
  const remove = createRoute({ method: "delete", path: "/session", request, responses: answers });
  app.openapi(remove, async (c) => {
    const session = sessionOf(c, access.sessions);
    const gone = session === null ? null : access.sessions.end(session);
    if (gone !== null) await gone;
    c.header("Set-Cookie", noCookie);
    return c.body(null, 204) as never;
  });
}

/** Who one is; a session ends with its token, where that comes first. */
function whoIs(access: Access, principal: Principal, session: Pass | null) {
  const { tenant, scopes, publish, subscribe } = principal;
  const ends = [session?.expiresAt ?? null, access.endOf(session?.owner ?? principal)];
  const known = ends.filter((end) => end !== null);
  const expiresAt = known.length === 0 ? null : timestamp(Math.min(...known));
  return { tenant, scopes: [...scopes], publish, subscribe, expiresAt };
}
