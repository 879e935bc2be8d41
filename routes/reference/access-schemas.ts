import { z } from "zod";
import { scopes } from "../../src/access/principal.ts";
import { when, whenOrNull } from "./common-schemas.ts";

const rights = {
  tenant: z.string(),
  scopes: z.array(z.enum(scopes)),
  publish: z.array(z.string()).nullable(),
  subscribe: z.array(z.string()).nullable(),
  expiresAt: whenOrNull,
};

const tokenFields = {
  id: z.string(),
  name: z.string(),
  ...rights,
  createdAt: when,
  createdBy: z.string(),
  lastUsedAt: whenOrNull,
  links: z.record(z.string(), z.string()),
};

const token = z.object(tokenFields);

export const accessSchemas = {
  Token: token,
  NewToken: z.object({ ...tokenFields, token: z.string().meta({ description: "Shown this once." }) }),
  TokenPage: z.object({ items: z.array(token), next: z.string().nullable() }),
  Session: z.object(rights),
  StreamTicket: z.object({ id: z.string(), ticket: z.string(), path: z.string(), expiresAt: when }),
};
