import { createRoute, z } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { adminId } from "../src/access/admin.ts";
import { requireScope } from "../src/access/forbidden.ts";
import { isOperator, type Principal } from "../src/access/principal.ts";
import { tenantSchema, tokenRequestSchema } from "../src/access/token-request.ts";
import { Problem } from "../src/problem.ts";
import { requireAccessControl } from "./access-control.ts";
import type { App, AppEnv, Services } from "./context.ts";
import { jsonBody } from "./middleware/json-body.ts";
import { answers, idParameter, limitParameter } from "./parameters.ts";
import { showPage } from "./webhooks.ts";

const orderCursor = z.string().regex(/^[0-9a-z]{1,10}$/, "expected the cursor of an earlier page");

/** `/tokens`: who may call. An operator rules over those of all tenants, an admin over those of its own. */
export function mountTokens(app: App, services: Services): void {
  const { access } = services;
  app.use("/tokens", requireAccessControl(access), adminOnly());
  app.use("/tokens/:id", requireAccessControl(access));
  const post = createRoute({
    method: "post",
    path: "/tokens",
    middleware: [jsonBody()] as const,
    request: {
      query: z.strictObject({}),
      body: { required: true, content: { "application/json": { schema: tokenRequestSchema } } },
    },
    responses: answers,
  });
  app.openapi(post, async (c) => {
    if (c.req.header("idempotency-key") !== undefined) throw noReplay();
    const principal = c.get("principal");
    const request = c.req.valid("json");
    const tenant = request.tenant ?? principal.tenant;
    if (!ruleOf(principal)(tenant))
      throw new Problem(
        "forbidden",
        `The token may make tokens of its own tenant, ${principal.tenant}, only`,
      );
    const { view, token } = await access.tokens.create(request, tenant, principal.id);
    c.header("Location", view.links.self);
    c.header("Cache-Control", "no-store");
    return c.json({ ...view, token }, 201) as never;
  });
  const list = createRoute({
    method: "get",
    path: "/tokens",
    request: {
      query: z.strictObject({
        tenant: tenantSchema.optional(),
        limit: limitParameter,
        cursor: orderCursor.optional(),
      }),
    },
    responses: answers,
  });
  app.openapi(list, (c) => {
    const principal = c.get("principal");
    const { tenant, limit, cursor = null } = c.req.valid("query");
    if (tenant !== undefined && !ruleOf(principal)(tenant))
      throw new Problem("forbidden", `The token may see tokens of its own tenant, ${principal.tenant}, only`);
    const shown = tenant ?? (isOperator(principal) ? null : principal.tenant);
    return showPage(c, access.tokens.list(shown, limit, cursor)) as never;
  });
  mountOne(app, services);
}

function mountOne(app: App, { access }: Services): void {
  const request = { params: idParameter, query: z.strictObject({}) };
  const get = createRoute({ method: "get", path: "/tokens/{id}", request, responses: answers });
  app.openapi(get, (c) => {
    requireScope(c.get("principal"), "admin");
    c.header("Cache-Control", "no-store");
    return c.json(access.tokens.get(c.req.valid("param").id, ruleOf(c.get("principal")))) as never;
  });
  const remove = createRoute({ method: "delete", path: "/tokens/{id}", request, responses: answers });
  app.openapi(remove, async (c) => {
    const principal = c.get("principal");
    const { id } = c.req.valid("param");
    if (id !== principal.id) requireScope(principal, "admin");
    if (id === adminId && isOperator(principal)) throw isSetting();
    await access.tokens.revoke(id, id === principal.id ? () => true : ruleOf(principal));
    return c.body(null, 204) as never;
  });
}

function adminOnly() {
  return createMiddleware<AppEnv>((c, next) => {
    requireScope(c.get("principal"), "admin");
    return next();
  });
}

/** The tenants whose tokens a principal rules over. */
function ruleOf(principal: Principal): (tenant: string) => boolean {
  return (tenant) => isOperator(principal) || tenant === principal.tenant;
}

/** A token is shown once: an answer that is kept to be given again would be a second place that has it. */
function noReplay(): Problem {
  const detail = "is not taken here: a token is shown once; list the tokens to see whether a call arrived";
  return new Problem("invalid-request", {
    detail: `Idempotency-Key: ${detail}`,
    errors: [{ parameter: "Idempotency-Key", detail }],
  });
}

function isSetting(): Problem {
  return new Problem(
    "configured-token",
    "The token admin is that of CONNACK_ADMIN_TOKEN or CONNACK_ADMIN_TOKEN_FILE: take the setting away, and start again",
  );
}
