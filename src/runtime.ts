import manifest from "../package.json" with { type: "json" };

/** What `process.versions` has of a runtime, and how people call it. */
const names = { bun: "Bun", deno: "Deno" } as const;

/** The sentence for whoever runs Connack with what does not run it, or with a version that is too old; null where it is well. */
export function cannotRunOn(versions: Readonly<Record<string, string | undefined>>): string | null {
  const wanted = Object.entries(names).map(([key, name]) => {
    const least = manifest.engines[key as keyof typeof names].replace(">=", "");
    return { name, least, version: versions[key] };
  });
  const all = wanted.map(({ name, least }) => `${name} ${least}`).join(" or ");
  const runs = wanted.find(({ version }) => version !== undefined);
  if (runs === undefined) return `Connack runs on ${all}, or newer; this is Node.js ${versions["node"]}`;
  if (runs.version === undefined || !isOlder(runs.version, runs.least)) return null;
  return `Connack runs on ${all}, or newer; this is ${runs.name} ${runs.version}`;
}

/** Whether a version comes before another; what follows the third number (`-canary.1`) does not count. */
function isOlder(version: string, least: string): boolean {
  const [a, b] = [version, least].map((each) => each.split(/[^\d]/).slice(0, 3).map(Number));
  const differing = a?.findIndex((part, index) => part !== (b?.[index] ?? 0)) ?? -1;
  return differing >= 0 && (a?.[differing] ?? 0) < (b?.[differing] ?? 0);
}
