import type { ChaosNode } from "./node.ts";

/** What no node says, whatever happens around it. */
const defects = /"(uncaughtException|unhandledRejection)"|internal-error|a call could not be taken/;

/** Lines of the nodes' logs that speak of a defect. */
export function complaintsOf(nodes: readonly ChaosNode[]): string[] {
  return nodes.flatMap(({ name, output }) =>
    output
      .split("\n")
      .filter((line) => defects.test(line))
      .map((line) => `${name} has logged: ${line}`),
  );
}
