import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../test/support/free-port.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { startChild } from "./child.ts";

export interface Broker extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** Of the listener for MQTT over WebSocket, when there is one. */
  readonly webSocketUrl: string;
}

interface BrokerOptions {
  readonly webSocket?: boolean;
  /** Whether it tells who connects, on `$SYS/broker/log/N`. */
  readonly log?: boolean;
}

/** A mosquitto of our own on free loopback ports, that logs nothing unless told, refuses nobody and drops nothing. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const directory = temporaryDirectory();
  const port = await freePort();
  const webSocketPort = await freePort();
  const webSocket = [`listener ${webSocketPort} 127.0.0.1`, "protocol websockets"];
  const config = `${directory.path}/mosquitto.conf`;
  const lines = [
    // Started by root, it would otherwise become a user of its own, who may not exist.
    "user root",
    ...(options.log === true ? ["log_dest topic", "log_type notice"] : ["log_dest none"]),
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    "max_connections -1",
    "set_tcp_nodelay true",
    // No bounds of its own on what is in flight (its Receive Maximum, too) and on what waits for a subscriber.
    "max_inflight_messages 0",
    "max_queued_messages 0",
    ...(options.webSocket === true ? webSocket : []),
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const child = startChild(["/usr/sbin/mosquitto", "-c", config]);
  await accepts(port);
  return {
    port,
    pid: child.pid,
    webSocketUrl: `ws://127.0.0.1:${webSocketPort}`,
    url: `mqtt://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

async function accepts(port: number): Promise<void> {
  for (let look = 0; look < 100; look += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error("mosquitto does not listen");
}
