import { spawn } from "node:child_process";
import { once } from "node:events";
import { runtimeArguments } from "../support/program.ts";

/** One Connack process of the demo. */
export interface DemoNode {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Resolves when it takes calls; rejects where it ends before. */
  readonly listening: Promise<unknown>;
  signal(signal: NodeJS.Signals): void;
}

// When the demo itself is killed, it cannot end its nodes, so a shell does: it holds the other end of our pipe and sees
// it end. The pipe is copied to 3 because a shell gives its background jobs an empty standard input.
const watchdog = `
exec 3<&0
"$@" 3<&- & node=$!
echo "pid $node"
(read -r _ <&3; kill -9 $node) 2>/dev/null & watcher=$!
wait $node
status=$?
kill $watcher
exit $status`;

/** Starts one with these settings and no others; `onLog` gets what it has to say. */
export async function startDemoNode(
  name: string,
  port: number,
  settings: Readonly<Record<string, string>>,
  onLog: (text: string) => void,
): Promise<DemoNode> {
  const others = Object.entries(process.env).filter(([key]) => !key.startsWith("CONNACK_"));
  const command = [process.execPath, ...runtimeArguments("src/main.ts")];
  const shell = spawn("/bin/sh", ["-c", watchdog, "sh", ...command], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...Object.fromEntries(others),
      ...settings,
      CONNACK_PORT: String(port),
      CONNACK_CLUSTER_NODE: name,
    },
  });
  let said = "";
  let look: () => void = () => {};
  const ended = once(shell, "exit").then(() => look());
  shell.stdout.on("data", (chunk: Buffer) => {
    said += String(chunk);
    look();
  });
  shell.stderr.on("data", (chunk: Buffer) => onLog(String(chunk)));
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const before = look;
      look = () => {
        before();
        const found = pattern.exec(said);
        if (found !== null) resolve(found);
        else if (shell.exitCode !== null || shell.signalCode !== null)
          reject(new Error(`The node ${name} has ended: ${said}`));
      };
      look();
    });
  const [, pid = ""] = await printed(/^pid (\d+)$/m);
  const listening = printed(/listening on http:\S+/);
  listening.catch(() => {});
  return {
    ...{ name, url: `http://127.0.0.1:${port}`, pid: Number(pid), ended, listening },
    signal(signal) {
      try {
        process.kill(Number(pid), signal);
      } catch {
        // It has ended by itself, which is what the caller wanted or will see.
      }
    },
  };
}
