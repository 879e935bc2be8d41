import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One package of a lock file. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Null where there is none, or where it is not SHA-512. */
  readonly integrity: string | null;
  /** Of another place than the registry that the client asks anyway; null where none is named. */
  readonly source: string | null;
  /** For some platforms only: which of them a lock file has depends on who wrote it. */
  readonly platform: boolean;
}

/** What package-lock.json alone knows. */
export interface NpmPackage extends LockedPackage {
  /** Where it is installed, from the root of the repository. */
  readonly path: string;
  /** Needed to run, and not only to develop. */
  readonly runtime: boolean;
  readonly licence: string;
  readonly installScript: boolean;
}

export interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  /** Packages that bun lets run scripts. */
  readonly trustedDependencies?: readonly string[];
}

/** What is allowed: `.ci/supply-chain.json`. */
export interface Policy {
  readonly licences: readonly string[];
  /** By package, the reason why it may run a script when it is installed. */
  readonly installScripts: Readonly<Record<string, string>>;
  readonly mostRuntimePackages: number;
  readonly runtimePackages: readonly string[];
}

export interface SupplyChain {
  readonly manifest: Manifest;
  readonly npm: readonly NpmPackage[];
  readonly bun: readonly LockedPackage[];
  readonly policy: Policy;
}

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

export function readSupplyChain(): SupplyChain {
  return {
    manifest: JSON.parse(read("package.json")) as Manifest,
    npm: npmPackages(read("package-lock.json")),
    bun: bunPackages(read("bun.lock")),
    policy: JSON.parse(read(".ci/supply-chain.json")) as Policy,
  };
}

interface NpmEntry {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly os?: readonly string[];
  readonly license?: string;
  readonly hasInstallScript?: boolean;
}

/** The packages of a package-lock.json, the project itself apart. */
export function npmPackages(text: string): readonly NpmPackage[] {
  const { packages } = JSON.parse(text) as { packages: Record<string, NpmEntry> };
  return Object.entries(packages)
    .filter(([path]) => path !== "")
    .map(([path, entry]) => ({
      path,
      name: path.split("node_modules/").at(-1) ?? path,
      version: entry.version ?? "",
      integrity: sha512(entry.integrity),
      source: entry.link === true ? "link" : (entry.resolved ?? null),
      platform: entry.os !== undefined,
      runtime: entry.dev !== true,
      licence: entry.license ?? "none",
      installScript: entry.hasInstallScript === true,
    }));
}

type BunEntry = readonly [
  id: string,
  registry?: string,
  about?: { readonly os?: unknown },
  integrity?: string,
];

/** The packages of a bun.lock, which is JSON with commas at the ends of lists. */
export function bunPackages(text: string): readonly LockedPackage[] {
  const { packages } = JSON.parse(text.replaceAll(/,(?=\s*[}\]])/g, "")) as {
    packages: Record<string, BunEntry>;
  };
  return Object.values(packages).map((entry) => {
    const [id, registry, about, integrity] = entry;
    const at = id.indexOf("@", 1);
    const version = id.slice(at + 1);
    // What does not come from a registry (git, tarball, file, workspace) has fewer parts, and no version behind the "@".
    const source = /^\d/.test(version) && entry.length === 4 ? registry || null : id;
    return {
      name: id.slice(0, at),
      version,
      integrity: sha512(integrity),
      source,
      platform: about?.os !== undefined,
    };
  });
}

function sha512(integrity: string | undefined): string | null {
  return integrity !== undefined && /^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity) ? integrity : null;
}
