import assert from "node:assert/strict";
import type { Scope } from "../../src/access/principal.ts";
import { adminToken } from "./access.ts";
import type { Answer, TestApp } from "./app.ts";
import type { EventReader } from "./event-reader.ts";

/** The environment of a server with tokens, whose brokers are on this machine. */
export const withTokens = { CONNACK_ADMIN_TOKEN: adminToken, CONNACK_EGRESS_ALLOW: "loopback" };

export interface TokenFields {
  readonly tenant?: string;
  readonly scopes?: readonly Scope[];
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  readonly expiresAt?: string;
}

/** Who calls with a token. */
export interface Caller {
  readonly id: string;
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer>;
  readonly events: (path: string) => Promise<EventReader>;
  /** Resolves when the token is revoked. */
  readonly revoke: () => Promise<void>;
}

const everything = ["connections:read", "connections:write", "publish", "subscribe"] as const;

/** Makes a token, with all that is no admin's unless told otherwise, and calls with it. */
export async function callerOf(app: TestApp, fields: TokenFields = {}): Promise<Caller> {
  const asAdmin = { authorization: `Bearer ${adminToken}` };
  const request = { name: "test", scopes: everything, ...fields };
  const { status, text, body } = await app.call("POST", "/tokens", request, asAdmin);
  assert.equal(status, 201, text);
  const headers = { authorization: `Bearer ${body.token}` };
  return {
    ...{ id: body.id, token: body.token, headers },
    call: (method, path, sent, more = {}) => app.call(method, path, sent, { ...headers, ...more }),
    events: (path) => app.events(path, headers),
    revoke: async () => {
      assert.equal((await app.call("DELETE", `/tokens/${body.id}`, undefined, asAdmin)).status, 204);
    },
  };
}
