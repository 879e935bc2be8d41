import { spawnSync } from "node:child_process";
import { startProgram, type Program } from "./program.ts";

/** Two network namespaces with a cable between them. */
export interface NetworkPair extends Disposable {
  /** Of the first namespace, where servers go. */
  readonly address: string;
  /** Starts a program in one of the two. */
  start(side: 0 | 1, program: string, args: readonly string[], environment?: Record<string, string>): Program;
  /** Takes the second namespace's end of the cable away: packets are lost, and nobody hears of it. */
  cut(): void;
}

function ip(...args: string[]): boolean {
  return spawnSync("ip", args, { stdio: "ignore" }).status === 0;
}

/** The reason to skip a test that needs namespaces, or false: they take Linux, `ip`, and the rights of root. */
export function needsNetworkPair(): string | false {
  const name = `connack-probe-${process.pid}`;
  const allowed = ip("netns", "add", name);
  if (allowed) ip("netns", "del", name);
  return allowed ? false : "network namespaces are not allowed here";
}

export function startNetworkPair(): NetworkPair {
  const names = [`connack-a-${process.pid}`, `connack-b-${process.pid}`] as const;
  const must = (...args: string[]) => {
    if (!ip(...args)) throw new Error(`ip ${args.join(" ")} failed`);
  };
  for (const name of names) must("netns", "add", name);
  must("link", "add", "cable", "netns", names[0], "type", "veth", "peer", "name", "cable", "netns", names[1]);
  for (const [index, name] of names.entries()) {
    must("-n", name, "addr", "add", `10.99.0.${index + 1}/24`, "dev", "cable");
    for (const device of ["cable", "lo"]) must("-n", name, "link", "set", device, "up");
  }
  return {
    address: "10.99.0.1",
    start: (side, program, args, environment) =>
      startProgram("ip", ["netns", "exec", names[side], program, ...args], environment),
    cut: () => must("-n", names[1], "link", "set", "cable", "down"),
    [Symbol.dispose]() {
      for (const name of names) ip("netns", "del", name);
    },
  };
}
