/** One archive of this machine's own, in apt's deb822 form; where it is stays in the machine's words. */
export interface AptSource {
  /** Without comments, and without the line of suites. */
  readonly fields: readonly string[];
  readonly suites: readonly string[];
}

// What else than its code name a sources list may call a release of Debian.
const aliases = new Set(["oldstable", "stable", "testing", "unstable", "sid"]);

/** The entries of an apt source file, of either form (sources.list(5)), that have binary packages. */
export function parseAptSources(text: string): readonly AptSource[] {
  const lines = text.split("\n").filter((line) => !line.trimStart().startsWith("#"));
  const oneLine = lines.flatMap((line) => fromOneLine(line) ?? []);
  return oneLine.length > 0 ? oneLine : stanzas(lines).flatMap((stanza) => fromStanza(stanza) ?? []);
}

/** Whether this is the archive of the distribution itself: not its updates, nor what others have added. */
export function isBaseArchive({ fields, suites }: AptSource, codeName: string): boolean {
  const isRelease = suites.some((suite) => suite === codeName || aliases.has(suite));
  return isRelease && fields.some((field) => /^Components:.*\bmain\b/i.test(field));
}

export function formatAptSource({ fields }: AptSource, suites: readonly string[]): string {
  return `${[...fields, `Suites: ${suites.join(" ")}`].join("\n")}\n`;
}

function fromOneLine(line: string): AptSource | undefined {
  const match = /^deb\s+(?:\[\s*([^\]]*?)\s*\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line.trim());
  if (match === null) return undefined;
  const [, options = "", uri, suite, components] = match;
  const named = options.split(/\s+/).map((option) => /^([\w-]+)=(.+)$/.exec(option));
  const fields = named.flatMap((option) =>
    option === null ? [] : [`${fieldNames(option[1])}: ${option[2]}`],
  );
  return {
    fields: ["Types: deb", `URIs: ${uri}`, `Components: ${components}`, ...fields],
    suites: [suite ?? ""],
  };
}

/** The options of the one-line form have names of their own in the other. */
function fieldNames(option = ""): string {
  if (option === "arch") return "Architectures";
  return option === "signed-by" ? "Signed-By" : option;
}

function stanzas(lines: readonly string[]): readonly string[] {
  return lines.join("\n").split(/\n\s*\n/);
}

function fromStanza(stanza: string): AptSource | undefined {
  // A line that begins with a blank goes on with the field before it.
  const fields = stanza
    .split(/\n(?=\S)/)
    .map((field) => field.trim())
    .filter(Boolean);
  const value = (name: string) =>
    fields
      .find((field) => field.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim()
      .split(/\s+/);
  if (!value("types")?.includes("deb") || value("enabled")?.[0] === "no") return undefined;
  const kept = fields.filter((field) => !/^(?:suites|types):/i.test(field));
  return { fields: ["Types: deb", ...kept], suites: value("suites") ?? [] };
}
