import { startNode } from "../support/cluster-nodes.ts";
import { startNats } from "../support/nats.ts";
import { describe, it } from "../support/test.ts";

describe("a node that cannot open a shard, as without the key of what is in it", () => {
  it("leaves it to another one while there is one, and keeps the others", async () => {
    await using nats = await startNats();
    await using opened = new AsyncDisposableStack();
    const start = async (name: string) => {
      const connection = await nats.connect();
      opened.defer(() => connection.close());
      const node = await startNode(connection, { place: "declined", name, shards: 6 });
      opened.defer(() => node.node.stop());
      return node;
    };
    const [a, b] = await Promise.all([start("a"), start("b")]);
    await Promise.all([a, b].map((each) => each.until((owned) => owned.length === 3)));
    const [declined = -1] = a.owned();
    a.node.decline(declined);
    await b.until((owned) => owned.includes(declined));
    // Of the others it has its share, whichever they are then.
    await a.until((owned) => owned.length >= 2 && !owned.includes(declined));
    // Where nobody else is left, it tries once more.
    await b.node.stop();
    await a.until((owned) => owned.length === 6);
  });
});
