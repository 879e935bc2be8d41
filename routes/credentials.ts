import type { z } from "@hono/zod-openapi";
import { passwordBytes, type reconnectFields } from "../src/request/schema.ts";
import { passwordAlone, type ConnectionRequest } from "../src/request/connection-request.ts";
import { Problem } from "../src/problem.ts";
import { Secret } from "../src/secret.ts";

/**
 * New credentials for a connection, checked against the request that it has.
 *
 * @throws {Problem} `invalid-request`
 */
export function credentialsOf(
  fields: z.output<typeof reconnectFields>,
  { username: held, target }: ConnectionRequest,
) {
  const { username, password, passwordEncoding, tls } = fields;
  const bytes = password === undefined ? undefined : passwordBytes(password, passwordEncoding);
  if (bytes === null)
    throw invalidField(
      "password",
      "expected at most 65535 bytes, in standard base64 where passwordEncoding says so",
    );
  if (bytes !== undefined && (username ?? held) === undefined) throw invalidField("password", passwordAlone);
  if (tls !== undefined && (target.transport === "tcp" || target.transport === "ws"))
    throw invalidField("tls", `has a meaning only with transport tls and wss, not ${target.transport}`);
  return {
    ...(username === undefined ? {} : { username: new Secret(username) }),
    ...(bytes === undefined ? {} : { password: new Secret<Uint8Array>(bytes) }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function invalidField(name: string, detail: string): Problem {
  return new Problem("invalid-request", {
    detail: `/${name}: ${detail}`,
    errors: [{ pointer: `/${name}`, detail }],
  });
}
