import type { DemoNode } from "./node.ts";

interface Told {
  readonly nodes: readonly DemoNode[];
  /** Who will have the connection `demo`. */
  readonly owner: DemoNode;
  readonly brokerPort: number;
}

/** What the demo prints when all is there. */
export function demoText({ nodes, owner, brokerPort }: Told): string {
  const [first = owner, second = owner, third = owner] = nodes;
  const other = nodes.find((node) => node !== owner) ?? owner;
  return `Three nodes of one cluster. Each answers for every connection, and shows all of them in a browser:

${nodes.map(({ name, url, pid }) => `  ${name}  ${url}/  (process ${pid})`).join("\n")}

Connect by one of them:

  curl -s ${first.url}/connections -H 'Content-Type: application/json' -d '{"id":"demo","url":"mqtt://127.0.0.1:${brokerPort}","durable":true,"cleanStart":false,"properties":{"sessionExpiryInterval":3600},"subscriptions":[{"topicFilter":"greetings/#","qos":1}],"log":{"durable":true}}'

Read by another one, in another terminal (Ctrl-C ends it), and publish by the third:

  curl -sN '${second.url}/connections/demo/messages?format=sse&lastEventId=earliest'
  curl -s '${third.url}/connections/demo/publish?topic=greetings/world&qos=1' -d 'hello'

Kill the one that holds the connection, which is ${owner.name}, and ask another one what has become of it: within seconds it is connected again, on that or on the third, and what was read before is still there. A node that has ended is started again after a while.

  kill -9 ${owner.pid}
  curl -s ${other.url}/connections/demo
  curl -s '${other.url}/connections/demo/messages?after=earliest'
  curl -s '${other.url}/connections/demo/events?format=json&after=earliest'

Who has what:

  curl -s ${other.url}/readyz

Ctrl-C ends all of it, and leaves nothing behind.
`;
}
