import { readFileSync } from "node:fs";
import type { AttemptDeps } from "../broker/attempt.ts";
import { createResolver } from "../broker/resolver.ts";
import { defaultTenant } from "../access/principal.ts";
import { systemClock } from "../clock.ts";
import { ClientIds } from "../connection/identity.ts";
import { probeView } from "../connection/probe-view.ts";
import { probe } from "../connection/probe.ts";
import { Problem } from "../problem.ts";
import { displayUrl } from "../request/target.ts";
import { parseSettings, SettingsError, type Settings } from "../settings.ts";
import { parseProbeArguments, probeHelp, type ProbeCommand } from "./probe-arguments.ts";
import { outcomeLines, painter, stageLine } from "./probe-report.ts";
import { UsageError } from "./usage-error.ts";

/** Runs `connack probe …`; resolves with the exit status: 0 where the broker can be connected to, 1 where not, 2 for wrong usage. */
export async function probeCommand(argv: readonly string[]): Promise<number> {
  try {
    const command = parseProbeArguments(argv, readPassword);
    if (command === null) {
      process.stdout.write(probeHelp);
      return 0;
    }
    return await run(command, parseSettings(process.env));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError || error instanceof SettingsError ? 2 : 1;
  }
}

async function run(
  { request, timeoutMs, roundTrip, json }: ProbeCommand,
  settings: Settings,
): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const paint = painter(hasColour());
  if (!json) say(paint(displayUrl(request.target), "bold"));
  const result = await probe(request, depsOf(settings), {
    ...{ timeoutMs, roundTrip, random: Math.random, signal: new AbortController().signal },
    clientIds: { all: new ClientIds(), tenant: defaultTenant },
    ...(json ? {} : { onStage: (stage) => say(stageLine(stage, paint)) }),
  });
  if (result === null) throw new Problem("internal-error", "The probe came to no end");
  if (json) say(JSON.stringify(probeView(result, crypto.randomUUID())));
  else for (const line of outcomeLines(result, request, paint)) say(line);
  return result.ok ? 0 : 1;
}

function depsOf({ dnsServers, maxPacketBytes }: Settings): AttemptDeps {
  return {
    resolve: createResolver(dnsServers),
    // Whoever can start this can connect to wherever the machine reaches without it.
    policy: { check: () => true },
    maxPacketBytes,
    now: systemClock.monotonic,
    report: (error) =>
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
  };
}

function hasColour(): boolean {
  const { NO_COLOR = "", TERM } = process.env;
  return process.stdout.isTTY && NO_COLOR === "" && TERM !== "dumb";
}

/** Standard input's first line, without its end. */
function readPassword(): string {
  return (readFileSync(0, "utf8").split("\n")[0] ?? "").replace(/\r$/, "");
}
