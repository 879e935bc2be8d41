import assert from "node:assert/strict";
import type { ConnackApp } from "../../src/app.ts";
import { adminToken } from "./access.ts";

/** The environment of a server whose every call has a token, and whose brokers may be on this machine. */
export const environmentWithTokens = {
  CONNACK_ADMIN_TOKEN: adminToken,
  CONNACK_EGRESS_ALLOW: "loopback,private",
};

/** What is for operators alone. */
const operators = /^\/(readyz|metrics|tokens)/;

/**
 * The same app for callers who bring no token: each call is given one of a tenant's own, with all that is no admin's. So a
 * suite that knows nothing of tokens runs with access control on.
 */
export async function withTokenForAll(app: ConnackApp): Promise<ConnackApp["fetch"]> {
  const request = {
    name: "everybody",
    tenant: "everybody",
    scopes: ["connections:read", "connections:write", "publish", "subscribe"],
  };
  const made = await app.fetch(
    new Request("http://127.0.0.1/tokens", {
      method: "POST",
      headers: {
        authorization: `Bearer ${adminToken}`,
        host: "127.0.0.1",
        "content-type": "application/json",
      },
      body: JSON.stringify(request),
    }),
  );
  assert.equal(made.status, 201, await made.clone().text());
  const { token } = (await made.json()) as { token: string };
  return (call, context) => {
    if (!call.headers.has("authorization") && !call.headers.has("cookie")) {
      // One runtime gives the path alone where there is no usable Host.
      const isForOperators = operators.test(call.url.replace(/^\w+:\/\/[^/]*/, ""));
      call.headers.set("authorization", `Bearer ${isForOperators ? adminToken : token}`);
    }
    return app.fetch(call, context);
  };
}
