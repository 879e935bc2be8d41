import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterStage } from "./cluster-stage.ts";

const lookMs = 25;
/** Worse than this is no figure but a defect. */
const giveUpMs = 60_000;

/** What the nodes that are left have seen, in milliseconds since the other one was killed; 25 ms late at most. */
export interface TakenOver {
  /** When the first of them took it for dead. */
  readonly noticed: number;
  /** When so many connections were connected again. */
  readonly connected: number;
}

/** Looks at the nodes that are left until so many connections are connected at them. */
export async function watchTakeOver(
  stage: ClusterStage,
  dead: string,
  killedAt: number,
  connections: number,
): Promise<TakenOver> {
  const left = stage.names.filter((name) => name !== dead);
  let noticed: number | null = null;
  for (;;) {
    const looks = await Promise.all(left.map((name) => stage.look(name)));
    const passed = performance.now() - killedAt;
    const isNoticed = looks.some(({ cluster }) => !cluster?.nodes.some(({ name }) => name === dead));
    if (isNoticed) noticed ??= passed;
    const connected = looks.reduce((sum, look) => sum + look.connections.connected, 0);
    if (noticed !== null && connected >= connections) return { noticed, connected: passed };
    if (passed > giveUpMs)
      throw new Error(
        `${dead} was killed, and ${connected} of ${connections} are connected: ${JSON.stringify(looks)}`,
      );
    await sleep(lookMs);
  }
}
