import assert from "node:assert/strict";
import { shardOf } from "../../src/cluster/front-shard.ts";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { frontRig, sayingOf } from "../support/front-rig.ts";
import { ids, openAll, reconnectAll, untilConnected } from "../support/front-scene.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const other = ids.find((id) => shardOf(id, 3) !== shardOf("home", 3)) ?? "";

describe("GET /events?messages= at a front", () => {
  for (const format of ["sse", "ndjson"] as const)
    it(`${format}: has the messages of one connection in between, and the events of all`, async () => {
      await using broker = await startScriptedBroker(accepts());
      await using rig = await frontRig();
      await rig.front.open({ id: "home", url: broker.url });
      const peer = await broker.connection(1);
      await openAll(rig.front, broker.url);
      const path = `/events?messages=home&types=connected&format=${format}`;
      const response = await fetch(`${rig.front.url}${path}`);
      const reader = (response.body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      const until = async (part: string) => {
        while (!text.includes(part)) text += (await reader.read()).value;
      };
      await until("snapshot");
      peer.send(message("a/ü", "21.5 🙂"));
      await until("21.5 🙂");
      await reconnectAll(rig.front, [other]);
      await until(`"connection":"${other}"`);
      const kept = (await rig.front.call("GET", "/connections/home/messages")).body.items.at(-1);
      const lines = text.split("\n");
      if (format === "sse") {
        const at = lines.indexOf("event: message");
        assert.equal(lines[at - 1], "", "a message moves no Last-Event-ID");
        assert.deepEqual(JSON.parse(lines[at + 1]?.slice(6) ?? ""), kept);
      } else {
        const line = lines.find((each) => each.includes("21.5")) ?? "";
        assert.deepEqual(JSON.parse(line), { type: "message", ...kept });
      }
      assert.equal(lines.filter((line) => line.includes("21.5")).length, 1);
      await reader.cancel();
    });

  it("ends where the owner of the messages is lost, for what came then is not to be had", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await rig.front.open({ id: "home", url: broker.url });
    await openAll(rig.front, broker.url);
    await using reader = await rig.front.events("/events?messages=home");
    rig.cells.lose(shardOf(other, 3));
    rig.cells.give(shardOf(other, 3));
    await reconnectAll(rig.front, [other]);
    await untilConnected(reader, [other]);
    rig.cells.lose(shardOf("home", 3));
    rig.cells.give(shardOf("home", 3));
    assert.equal((await reader.next("shutdown")).id, undefined);
    await reader.ended;
    await using again = await rig.front.events(`/events?messages=home&lastEventId=${reader.seen.at(-2)?.id}`);
    await again.next("snapshot");
  });

  it("refuses what one app refuses, as that does", async () => {
    await using app = await startApp();
    await using rig = await frontRig();
    const paths = [
      "/events?messages=nobody",
      "/events?messages=",
      "/events?messages=a&messages=b",
      "/events?messages=a&format=json",
    ];
    for (const path of paths) {
      const [alone, joint] = [await app.call("GET", path), await rig.front.call("GET", path)];
      assert.ok(alone.status >= 400, path);
      assert.deepEqual(sayingOf(joint), sayingOf(alone), path);
    }
  });
});
