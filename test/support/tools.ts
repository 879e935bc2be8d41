import { spawnSync } from "node:child_process";
import { natsProgram } from "./nats-program.ts";

interface Tool {
  /** Debian's name of it; without one it is not installed but fetched. */
  readonly debianPackage?: string;
  readonly probe: readonly [command: string, ...args: string[]] | (() => boolean);
}

/** The programs from outside the repository that some tests need. */
export const toolNames = [
  "mosquitto",
  "openssl",
  "paho",
  "curl",
  "iproute2",
  "php",
  "python",
  "strace",
  "chromium",
  "npm",
  "nats",
  "systemd",
] as const;
export type ToolName = (typeof toolNames)[number];

const tools: Readonly<Record<ToolName, Tool>> = {
  mosquitto: { debianPackage: "mosquitto", probe: ["/usr/sbin/mosquitto", "-h"] },
  openssl: { debianPackage: "openssl", probe: ["openssl", "version"] },
  // Debian's own interpreter: the package is invisible to any other python3 that PATH may name first.
  paho: { debianPackage: "python3-paho-mqtt", probe: ["/usr/bin/python3", "-c", "import paho.mqtt.client"] },
  curl: { debianPackage: "curl", probe: ["curl", "--version"] },
  php: { debianPackage: "php-cli", probe: ["php", "--version"] },
  python: { debianPackage: "python3", probe: ["python3", "--version"] },
  strace: { debianPackage: "strace", probe: ["strace", "-V"] },
  // The path that Debian has it at: another browser of that name is another browser.
  chromium: { debianPackage: "chromium", probe: ["/usr/bin/chromium", "--version"] },
  // With Node, which it is made of.
  npm: { debianPackage: "npm", probe: ["npm", "--version"] },
  // Debian 12 has one that is too old, so that this one is where `nats-program.ts` says.
  nats: { probe: () => natsProgram() !== undefined },
  // It looks at units; nothing is booted by it.
  systemd: { debianPackage: "systemd", probe: ["systemd-analyze", "--version"] },
  iproute2: { debianPackage: "iproute2", probe: ["ss", "--version"] },
};

export function debianPackage(name: ToolName): string | undefined {
  return tools[name].debianPackage;
}

/** Whether the tool starts; its exit status does not matter, since `mosquitto -h` ends with 3. */
export function isAvailable(name: ToolName): boolean {
  const { probe } = tools[name];
  if (typeof probe === "function") return probe();
  const [command, ...args] = probe;
  const result = spawnSync(command, args, { stdio: "ignore" });
  return name === "paho" ? result.status === 0 : result.error === undefined && result.status !== null;
}
