import { Problem } from "../problem.ts";

const requestIdHeader = "x-request-id";
/** What a caller may call its request, as the cells have it. */
const givenId = /^[\w=-]{1,64}$/;

/** A cell has said no to a part of a call, so that this is the answer to the whole. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly response: Response;

  /** What is answered has been read: the call that it comes by ends before it is sent. */
  private constructor(response: Response) {
    super(`A cell has answered ${response.status}`);
    this.response = response;
  }

  /** @throws {Problem} `no-owner` where its answer breaks off */
  static async by({ status, headers, body }: Response): Promise<Refused> {
    if (body === null) return new Refused(new Response(null, { status, headers }));
    const bytes = await new Response(body).arrayBuffer().catch(() => {
      throw ownerLost("while it answered");
    });
    return new Refused(new Response(bytes, { status, headers }));
  }
}

/** The name of a call: the caller's own, or a new one, which is then the same in the logs of all cells that work for it. */
export function requestIdOf({ headers }: Request): string {
  const own = headers.get(requestIdHeader);
  return own !== null && givenId.test(own) ? own : crypto.randomUUID();
}

/** Answers a problem as a cell does: with what it says to browsers, proxies and logs. */
export type AnswerProblem = (request: Request, problem: Problem) => Response | Promise<Response>;

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

/** A cell answered, and no longer; `when` ends the sentence. */
export function ownerLost(when: string): Problem {
  return new Problem("no-owner", {
    detail: `The owner of a part of the connections was lost ${when}`,
    retryAfterSeconds: 2,
  });
}
