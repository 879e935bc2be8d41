import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { itHolds } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";

const withMosquitto = { skip: needs("mosquitto") };
const kept = { cleanStart: false, properties: { sessionExpiryInterval: 3_600 } };
const soon = { reconnect: { minDelayMs: 10, maxDelayMs: 50 } };
const subscribed = (log: string) => [...log.matchAll(/Received SUBSCRIBE/g)].length;

describe("sessions", () => {
  itHolds(
    "cleanStart false and sessionExpiryInterval: found again by the next connection with this client id",
    async (rig) => {
      await using broker = await startMosquitto();
      const request = { id: "s", url: broker.url, clientId: "keeper", ...kept };
      const first = await rig.open(request);
      assert.equal(first.body.flags.sessionPresent, false);
      assert.equal(first.body.negotiated.sessionExpiryInterval, 3_600);
      assert.equal((await rig.call("DELETE", "/connections/s")).status, 200);
      const second = await rig.open(request);
      assert.equal(second.body.flags.sessionPresent, true);
      assert.equal(second.body.connack.sessionPresent, true);
      const ended = await rig.call("DELETE", "/connections/s?sessionExpiryInterval=0");
      assert.equal(ended.status, 200, ended.text);
      const third = await rig.open(request);
      assert.equal(third.body.flags.sessionPresent, false, "DISCONNECT had ended the session");
      const clean = await rig.open({ ...request, id: "t", cleanStart: true });
      assert.equal(clean.body.flags.sessionPresent, false);
    },
    withMosquitto,
  );

  for (const protocolVersion of ["5", "3.1.1"] as const) {
    itHolds(
      `${protocolVersion}: kept over a restart of the broker; subscriptions are not made again`,
      async (rig) => {
        await using broker = await startMosquitto({ persistence: true });
        const request = { id: "s", url: broker.url, clientId: "keeper", protocolVersion, ...soon };
        const session = protocolVersion === "5" ? kept : { cleanStart: false };
        const opened = await rig.open({
          ...request,
          ...session,
          subscriptions: [{ topicFilter: "a/#", qos: 1 }],
        });
        assert.equal(opened.status, 201, opened.text);
        await using events = await rig.app.events("/connections/s/events?lastEventId=earliest");
        await events.next("subscribed");
        await broker.stop();
        await events.next("disconnected");
        await broker.start();
        assert.equal((await events.next("connected")).data.sessionPresent, true);
        // The answer to a ping comes after all that was sent before it.
        assert.equal((await rig.call("POST", "/connections/s/ping")).status, 200);
        assert.equal(subscribed(broker.log()), 1);
      },
      withMosquitto,
    );
  }

  itHolds(
    "without a session they are made again after a restart",
    async (rig) => {
      await using broker = await startMosquitto();
      const subscriptions = [{ topicFilter: "a/#", qos: 1 }];
      await rig.open({ id: "s", url: broker.url, subscriptions, ...soon });
      await using events = await rig.app.events("/connections/s/events?lastEventId=earliest");
      await events.next("subscribed");
      await broker.stop("SIGKILL");
      await broker.start();
      await events.next("connected");
      const again = await events.next("subscribed");
      assert.deepEqual([again.data.topicFilter, again.data.grantedQos], ["a/#", 1]);
      assert.equal(subscribed(broker.log()), 2);
    },
    withMosquitto,
  );
});

const thief = `
import sys, paho.mqtt.client as mqtt
try: client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, "taken")
except AttributeError: client = mqtt.Client("taken")
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_start()
sys.stdin.read()
`;

describe("a second client with the same client id", () => {
  itHolds(
    "takes over: the loss is an event, and the back-off grows instead of a fight",
    async (rig) => {
      await using broker = await startMosquitto();
      const request = { id: "s", url: broker.url, clientId: "taken" };
      const reconnect = { minDelayMs: 10_000, maxDelayMs: 60_000 };
      assert.equal((await rig.open({ ...request, reconnect })).status, 201);
      await using events = await rig.app.events("/connections/s/events");
      const paho = spawn("/usr/bin/python3", ["-c", thief, String(broker.port)], {
        stdio: ["pipe", "inherit", "inherit"],
      });
      try {
        const lost = await events.next("disconnected");
        assert.equal(lost.data.flags.connected, false);
        const waiting = await events.next("waiting");
        assert.ok(waiting.data.delayMs >= 10_000);
        const { body } = await rig.call("GET", "/connections/s");
        assert.equal(body.state, "waiting");
        assert.match(body.lastError.hint, /client id/);
        // Asked for by a person, it takes the id back.
        assert.equal((await rig.call("POST", "/connections/s/reconnect")).status, 200);
      } finally {
        const gone = once(paho, "exit");
        paho.kill("SIGKILL");
        await gone;
      }
    },
    { skip: needs("mosquitto", "paho") },
  );
});
