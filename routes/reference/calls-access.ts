import type { Calls } from "./call.ts";

const off = ["access-control-off"] as const;

export const accessCalls: Calls = {
  "POST /tokens": {
    id: "createToken",
    tag: "Access",
    summary: "Make a token",
    description: "Of the caller's tenant, unless an operator says otherwise. Takes no Idempotency-Key.",
    needs: "admin",
    body: "TokenRequest",
    success: {
      201: { description: "Made; `token` is shown this once.", schema: "NewToken", headers: ["Location"] },
    },
    problems: [...off, "store-full", "store-unavailable"],
    examples: [
      {
        summary: "For a reader of some topics",
        status: 201,
        body: {
          name: "kitchen display",
          scopes: ["connections:read", "subscribe"],
          subscribe: ["kitchen/#"],
          expiresAt: "2099-12-31T23:59:59Z",
        },
      },
    ],
  },
  "GET /tokens": {
    id: "listTokens",
    tag: "Access",
    summary: "List tokens",
    description:
      "Of the caller's tenant; an operator sees those of all. `lastUsedAt` is written once a minute.",
    needs: "admin",
    success: { 200: { description: "A page.", schema: "TokenPage", headers: ["Link"] } },
    problems: off,
    examples: [{ summary: "Of one tenant", status: 200, query: "?tenant=default" }],
  },
  "GET /tokens/{id}": {
    id: "getToken",
    tag: "Access",
    summary: "Look at a token",
    description: "Everything but its text, which nobody has.",
    needs: "admin",
    success: { 200: { description: "The token.", schema: "Token" } },
    problems: off,
    examples: [{ summary: "As it is", status: 200 }],
  },
  "DELETE /tokens/{id}": {
    id: "revokeToken",
    tag: "Access",
    summary: "Revoke a token",
    description:
      "Calls and streams of it end within two seconds, and so do its tickets and sessions. A token may revoke itself, whatever its scopes.",
    needs: "admin",
    success: { 204: { description: "It is gone." } },
    problems: [...off, "configured-token", "store-full", "store-unavailable"],
    examples: [{ summary: "For good", status: 204 }],
  },
  "POST /stream-tickets": {
    id: "createTicket",
    tag: "Access",
    summary: "Make a ticket for a stream",
    description: "For ?ticket= of one path, for an hour: a browser's EventSource cannot send a header.",
    needs: "any",
    body: "TicketRequest",
    success: { 201: { description: "Made.", schema: "StreamTicket", headers: ["Location"] } },
    problems: [...off, "forbidden"],
    examples: [
      {
        summary: "For the messages of a connection",
        status: 201,
        body: { path: "/connections/home/messages" },
      },
    ],
  },
  "DELETE /stream-tickets/{id}": {
    id: "revokeTicket",
    tag: "Access",
    summary: "Revoke a ticket",
    description: "Streams that are open by it end.",
    needs: "any",
    success: { 204: { description: "It is gone." } },
    problems: off,
    examples: [{ summary: "For good", status: 204 }],
  },
  "POST /session": {
    id: "beginSession",
    tag: "Access",
    summary: "Begin a session",
    description: "With a token in the header; a cookie for pages of this server, for 12 hours.",
    needs: "any",
    success: { 201: { description: "Begun.", schema: "Session", headers: ["Set-Cookie"] } },
    problems: off,
    examples: [{ summary: "With a token", status: 201 }],
  },
  "GET /session": {
    id: "getSession",
    tag: "Access",
    summary: "See who one is",
    description: "The tenant, the scopes and the topic filters of the caller, and when that ends.",
    needs: "any",
    success: { 200: { description: "Who one is.", schema: "Session" } },
    problems: off,
    examples: [{ summary: "Of a token", status: 200 }],
  },
  "DELETE /session": {
    id: "endSession",
    tag: "Access",
    summary: "End a session",
    description: "That of the cookie, if there is one.",
    needs: "any",
    success: { 204: { description: "Ended.", headers: ["Set-Cookie"] } },
    problems: off,
    examples: [{ summary: "That of the cookie", status: 204 }],
  },
};
