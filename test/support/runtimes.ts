import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export type RuntimeName = "bun" | "deno";

const root = join(import.meta.dirname, "../..");

/** The installed binary itself: what is in .bin needs Node, and hides how its child has ended. */
export function denoProgram(): string {
  const packages = join(root, "node_modules/@deno");
  const names = existsSync(packages) ? readdirSync(packages) : [];
  return names.map((name) => join(packages, name, "deno")).find((path) => existsSync(path)) ?? "deno";
}

/** The runtime that runs this. */
export const thisRuntime: RuntimeName = "Deno" in globalThis ? "deno" : "bun";

/** The program of a runtime: this one's own, or what is installed of the other. */
export function runtimeProgram(name: RuntimeName): string {
  if (name === thisRuntime) return process.execPath;
  return name === "deno" ? denoProgram() : "bun";
}
