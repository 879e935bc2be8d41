import type { LockedPackage, SupplyChain } from "./supply-chain.ts";

const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
const idOf = ({ name, version }: LockedPackage) => `${name}@${version}`;

/** What is wrong with what we depend on, one sentence each, by looking at our own files alone. */
export function findings(chain: SupplyChain): string[] {
  return [...pins(chain), ...sources(chain), ...agreement(chain), ...scripts(chain), ...runtime(chain)];
}

function pins({ manifest, npm, bun }: SupplyChain): string[] {
  const found: string[] = [];
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    if (!exact.test(version)) {
      found.push(`${name} is not pinned in package.json: ${version}`);
      continue;
    }
    if (!npm.some((locked) => locked.path === `node_modules/${name}` && locked.version === version))
      found.push(`${name}@${version} is not in package-lock.json; run npm install`);
    if (!bun.some((locked) => locked.name === name && locked.version === version))
      found.push(`${name}@${version} is not in bun.lock; run bun install`);
  }
  return found;
}

/** Everything comes from the one registry that the client is set to, with the hash of what it gave. */
function sources({ npm, bun }: SupplyChain): string[] {
  const hosts = new Set<string>();
  const found: string[] = [];
  for (const locked of [...npm, ...bun]) {
    if (!exact.test(locked.version)) found.push(`${idOf(locked)} is locked to no version`);
    if (locked.integrity === null) found.push(`${idOf(locked)} has no SHA-512 hash`);
    if (locked.source === null) continue;
    const tarball = /^https:\/\/([^/]+)\/(.+)\.tgz$/.exec(locked.source);
    const file = `/${locked.name.split("/").at(-1)}-${locked.version}`;
    if (tarball?.[2]?.startsWith(`${locked.name}/-`) === true && tarball[2].endsWith(file))
      hosts.add(tarball[1] ?? "");
    else found.push(`${idOf(locked)} comes from elsewhere than a registry: ${locked.source}`);
  }
  if (hosts.size > 1) found.push(`packages come from ${hosts.size} registries`);
  return found;
}

/** What is not for single platforms is in both lock files; what is in both is the same. */
function agreement({ npm, bun }: SupplyChain): string[] {
  const inNpm = new Map(npm.map((locked) => [idOf(locked), locked]));
  const inBun = new Map(bun.map((locked) => [idOf(locked), locked]));
  const missing = (from: typeof inBun, other: ReadonlyMap<string, unknown>, name: string) =>
    [...from.values()]
      .filter((locked) => !locked.platform && !other.has(idOf(locked)))
      .map((locked) => `${idOf(locked)} is not in ${name}`);
  const differ = [...inBun].filter(
    ([id, { integrity }]) => inNpm.has(id) && inNpm.get(id)?.integrity !== integrity,
  );
  return [
    ...missing(inNpm, inBun, "bun.lock"),
    ...missing(inBun, inNpm, "package-lock.json"),
    ...differ.map(([id]) => `${id} has another hash in bun.lock than in package-lock.json`),
  ];
}

function scripts({ npm, policy, manifest }: SupplyChain): string[] {
  const running = npm.filter(({ installScript }) => installScript);
  const allowed = new Set(Object.keys(policy.installScripts));
  return [
    ...running
      .filter(({ name }) => !allowed.has(name))
      .map((locked) => `${idOf(locked)} runs a script when it is installed, and is not allowed to`),
    ...running
      .filter(({ runtime }) => runtime)
      .map((locked) => `${idOf(locked)} runs a script when it is installed, and is needed at run time`),
    ...[...allowed]
      .filter((name) => !running.some((locked) => locked.name === name))
      .map((name) => `${name} may run a script when it is installed, and has none`),
    ...(manifest.trustedDependencies ?? [])
      .filter((name) => !allowed.has(name))
      .map((name) => `${name} is trusted by package.json to run scripts, and is not allowed to`),
  ];
}

function runtime({ npm, policy }: SupplyChain): string[] {
  const needed = npm.filter((locked) => locked.runtime);
  const names = new Set(needed.map(({ name }) => name));
  const listed = new Set(policy.runtimePackages);
  return [
    ...needed
      .filter(({ licence }) => !policy.licences.includes(licence))
      .map((locked) => `${idOf(locked)} has the licence ${locked.licence}, which is not allowed`),
    ...[...names]
      .filter((name) => !listed.has(name))
      .map((name) => `${name} is new at run time, and not listed`),
    ...[...listed]
      .filter((name) => !names.has(name))
      .map((name) => `${name} is listed, and not needed any more`),
    ...(names.size > policy.mostRuntimePackages
      ? [`${names.size} packages are needed at run time; at most ${policy.mostRuntimePackages} are allowed`]
      : []),
  ];
}
