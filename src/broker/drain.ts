import type { MqttClient } from "mqtt";

/** Resolves when `count` is 0, or after `ms`, or when the network connection ends; with what it is then. */
export function drained(client: MqttClient, ms: number, count: () => number): Promise<number> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      client.removeListener("packetreceive", check);
      client.removeListener("close", finish);
      resolve(count());
    };
    // mqtt.js takes an acknowledgement off its list after it has told of the packet.
    const check = () =>
      process.nextTick(() => {
        if (count() === 0) finish();
      });
    const timer = setTimeout(finish, ms);
    client.on("packetreceive", check);
    client.once("close", finish);
  });
}
