import type { TestApp } from "./app.ts";

// oxlint-disable-next-line no-explicit-any
type View = any;

/** The view of a connection at the first moment at which `holds`; the call is held at the server in between. */
export async function viewWhen(app: TestApp, id: string, holds: (view: View) => boolean): Promise<View> {
  let { status, body, text } = await app.call("GET", `/connections/${id}`);
  for (;;) {
    if (status !== 200) throw new Error(`GET /connections/${id}: ${text}`);
    if (holds(body)) return body;
    // Counters are not part of the version, so that a call is not held for long.
    ({ status, body, text } = await app.call("GET", `/connections/${id}?wait=0.05&since=${body.version}`));
  }
}

export const inState =
  (state: string) =>
  (view: View): boolean =>
    view.state === state;
