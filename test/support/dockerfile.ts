import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readSupplyChain } from "./supply-chain.ts";

/** One COPY of the last stage. */
export interface Copied {
  /** The stage that it comes from; null for the folder of the Dockerfile. */
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
}

export interface Dockerfile {
  /** Of all stages. */
  readonly baseImages: readonly string[];
  /** Of each stage. */
  readonly copies: readonly (readonly Copied[])[];
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly healthcheck: readonly string[];
  /** The last of an instruction, as it stands. */
  readonly one: (name: string) => string;
}

const root = resolve(import.meta.dirname, "../..");

export function readDockerfile(): Dockerfile {
  const instructions = readFileSync(join(root, "Dockerfile"), "utf8")
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter(Boolean)
    .map((line) => /^([A-Z]+) (.+)$/.exec(line) ?? [line, "", ""])
    .map(([, name = "", rest = ""]) => ({ name, rest }));
  const one = (name: string) => instructions.findLast((each) => each.name === name)?.rest ?? "";
  const copies: Copied[][] = [];
  for (const { name, rest } of instructions) {
    if (name === "FROM") copies.push([]);
    if (name === "COPY") copies.at(-1)?.push(copied(rest));
  }
  const command = (text: string) => JSON.parse(text.slice(text.indexOf("["))) as string[];
  return {
    baseImages: instructions
      .filter(({ name }) => name === "FROM")
      .map(({ rest }) => rest.split(" ")[0] ?? ""),
    copies,
    environment: Object.fromEntries(
      one("ENV")
        .split(/\s+/)
        .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    ),
    entrypoint: command(one("ENTRYPOINT")),
    healthcheck: command(one("HEALTHCHECK")),
    one,
  };
}

function copied(rest: string): Copied {
  const words = rest.split(/\s+/);
  const paths = words.filter((word) => !word.startsWith("--"));
  const from = words.find((word) => word.startsWith("--from="))?.slice(7) ?? null;
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? "" };
}

/** Puts into `folder` what the last stage has, apart from its base image: as the COPY lines say. */
export function buildImage(folder: string, { copies, one }: Dockerfile): void {
  const last = copies.at(-1) ?? [];
  for (const { from, sources, target } of last) {
    for (const source of sources) {
      const place = join(folder, resolve(one("WORKDIR"), target));
      if (from !== null) installed(source, place);
      else cpSync(join(root, source), target === "./" ? join(place, source) : place, { recursive: true });
    }
  }
}

/** What the stage before has made, by other means. */
function installed(source: string, place: string): void {
  mkdirSync(place, { recursive: true });
  if (!source.endsWith("/node_modules")) return;
  const needed = readSupplyChain().npm.filter(({ runtime }) => runtime);
  for (const { path } of needed.filter((locked) => !locked.path.includes("/node_modules/"))) {
    cpSync(join(root, path), join(place, path.slice("node_modules/".length)), { recursive: true });
  }
}
