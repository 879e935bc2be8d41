import { Problem } from "../problem.ts";

const requestIdHeader = "x-request-id";
/** What a caller may call its request, as the cells have it. */
const givenId = /^[\w=-]{1,64}$/;

/** A cell has said no to a part of a call, so that this is the answer to the whole. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly response: Response;

  constructor(response: Response) {
    super(`A cell has answered ${response.status}`);
    this.response = response;
  }
}

/** The name of a call: the caller's own, or a new one, which is then the same in the logs of all cells that work for it. */
export function requestIdOf({ headers }: Request): string {
  const own = headers.get(requestIdHeader);
  return own !== null && givenId.test(own) ? own : crypto.randomUUID();
}

/** As a cell answers it; the front knows of no origins of pages that may read it. */
export function problemAnswer(request: Request, problem: Problem): Response {
  const id = requestIdOf(request);
  const { retryAfterSeconds } = problem.details;
  const body = request.method === "HEAD" ? null : JSON.stringify(problem.toBody(id));
  return new Response(body, {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      [requestIdHeader]: id,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
      // After a body that did not come nothing can: what comes on that connection is the rest of it.
      ...(problem.code === "request-timeout" ? { connection: "close" } : {}),
    },
  });
}

/** Of the first cell's answer what is true of all of them together. */
export function jointHeaders({ headers }: Response, changes: Readonly<Record<string, string>>): Headers {
  const joint = new Headers(headers);
  for (const name of ["content-length", "transfer-encoding", "content-encoding", "etag", "link"])
    joint.delete(name);
  for (const [name, value] of Object.entries(changes)) joint.set(name, value);
  return joint;
}

/** For a call that is of all cells, where one of them cannot take part. */
export function withoutACell(error: unknown): unknown {
  if (!(error instanceof Problem) || error.code !== "no-owner") return error;
  return new Problem("no-owner", {
    detail:
      "A part of the connections has no owner at present, and an answer without it would have a hole that nobody sees",
    retryAfterSeconds: error.details.retryAfterSeconds ?? 2,
  });
}
