import type { AppContext } from "../context.ts";
import { tokenInvalid } from "./unauthorized.ts";

/** A name that is percent-encoded is no name of ours, and refused as any other. */
const named = /[?&](?:ticket|token|access_token)(?:[=&]|$)/;

/**
 * Takes `?ticket=` out of the request, so that it is in nothing that is made of the URL: logs, links, problems. Null where
 * there is none.
 *
 * @throws {Problem} `unauthorized` where a token stands in the query
 */
export function takeTicket(c: AppContext): string | null {
  const { raw } = c.req;
  // Most calls have none, and are not to pay for a closer look.
  if (!named.test(raw.url)) return null;
  const url = new URL(raw.url);
  const { searchParams } = url;
  if (searchParams.has("access_token") || searchParams.has("token"))
    throw tokenInvalid(
      "Tokens are not taken from a query, where logs would keep them: use Authorization: Bearer <token>, or a stream ticket",
    );
  const [ticket, ...more] = searchParams.getAll("ticket");
  if (ticket === undefined) return null;
  if (more.length > 0) throw tokenInvalid("The call has several stream tickets, and only one can count");
  // Not by the parameters' own means: they would write the others anew, and what is not UTF-8 as something that is.
  url.search = url.search
    .slice(1)
    .split("&")
    .filter((part) => !new URLSearchParams(part).has("ticket"))
    .join("&");
  const { method, headers, signal } = raw;
  if (method === "GET") c.req.raw = new Request(url.href, { method, headers, signal });
  return ticket;
}
