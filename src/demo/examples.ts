import type { ConnackApp } from "../app.ts";
import type { Secret } from "../secret.ts";

/** A connection that the demo opens by itself, so that there is something to look at. */
export interface Example {
  readonly id: string;
  /** What is to be seen of it. */
  readonly shows: string;
  readonly request: object;
}

/** Where the demo's broker sends something each second. */
export const exampleTopic = "demo/temperature";

/** Nothing listens there: below the ports that are given out, and of a service that nobody has (tcpmux). */
const closedPort = 1;

export function examplesFor(brokerPort: number): readonly Example[] {
  const url = `mqtt://127.0.0.1:${brokerPort}`;
  const everyMinute = { minDelayMs: 60_000, maxDelayMs: 60_000 };
  return [
    {
      id: "example-connected",
      shows: `gets a message each second, on ${exampleTopic}`,
      request: { url, subscriptions: [{ topicFilter: exampleTopic, qos: 0 }] },
    },
    {
      id: "example-waiting",
      shows: "is tried again about each minute, for nothing listens there",
      request: { url: `mqtt://127.0.0.1:${closedPort}`, reconnect: everyMinute },
    },
    {
      id: "example-refused",
      shows: "has failed: the broker refuses its password",
      request: { url, username: "demo", password: "wrong" },
    },
  ];
}

/** Opens them, by the calls that everybody has; none where the first one cannot be, which may go nowhere else. */
export async function openExamples(
  app: Pick<ConnackApp, "fetch">,
  [first, ...others]: readonly Example[],
  token: Secret | null,
): Promise<boolean> {
  if (first === undefined || !(await open(app, first, token, true))) return false;
  await Promise.all(others.map((example) => open(app, example, token, false)));
  return true;
}

async function open(
  { fetch }: Pick<ConnackApp, "fetch">,
  { id, request }: Example,
  token: Secret | null,
  waits: boolean,
): Promise<boolean> {
  const call = new Request(`http://localhost/connections/${id}${waits ? "" : "?wait=0"}`, {
    method: "PUT",
    headers: {
      host: "localhost",
      "content-type": "application/json",
      ...(token === null ? {} : { authorization: `Bearer ${token.reveal()}` }),
    },
    body: JSON.stringify(request),
  });
  return (await fetch(call)).ok;
}
