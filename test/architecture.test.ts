import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { catalogue } from "../src/problem-catalogue.ts";
import { describe, it } from "./support/test.ts";

const root = resolve(import.meta.dirname, "..");

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** As written, each with whether it is for types alone. */
  readonly imports: readonly { readonly from: string; readonly typeOnly: boolean }[];
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

const sources: readonly SourceFile[] = ["src", "routes"].flatMap(filesBelow).map((path) => {
  const text = readFileSync(join(root, path), "utf8");
  const imports = [...text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)"/gms)].map(
    (match) => ({
      from: match[2] ?? "",
      typeOnly: match[1] !== undefined,
    }),
  );
  return { path, text, imports };
});

const local = (file: SourceFile, from: string) => relative(root, resolve(root, dirname(file.path), from));

/** Files, apart from those allowed, that import something which `forbidden` names. */
function importers(forbidden: RegExp, allowed: RegExp, withTypes = true): string[] {
  return sources
    .filter(
      (file) =>
        !allowed.test(file.path) &&
        file.imports.some(({ from, typeOnly }) => forbidden.test(from) && (withTypes || !typeOnly)),
    )
    .map((file) => file.path);
}

describe("architecture", () => {
  it("src does not import Hono, and only app.ts and cluster-app.ts import routes", () => {
    assert.deepEqual(importers(/^(@?hono\b|@hono\/)/, /^routes\//), []);
    assert.deepEqual(importers(/\/routes\//, /^(src\/(cluster-)?app\.ts|routes\/)/), []);
  });

  it("only broker/client.ts imports mqtt; others in broker its types at most", () => {
    assert.deepEqual(importers(/^mqtt$/, /^src\/broker\/client\.ts$/, false), []);
    assert.deepEqual(importers(/^mqtt$/, /^src\/broker\//), []);
  });

  it("only store/sqlite* imports SQLite", () => {
    assert.deepEqual(importers(/^node:sqlite$/, /^src\/store\/sqlite[^/]*\.ts$/), []);
    assert.deepEqual(importers(/\/sqlite[^/]*\.ts$/, /^src\/store\//), []);
  });

  it("only store/jetstream* and cluster/ import the client of NATS", () => {
    assert.deepEqual(importers(/^@nats-io\//, /^src\/(store\/jetstream[^/]*\.ts|cluster\/.*)$/), []);
    assert.deepEqual(importers(/\/jetstream[^/]*\.ts$/, /^src\/(store|cluster)\//), []);
  });

  it("only access/jwt*.ts imports jose", () => {
    assert.deepEqual(importers(/^jose$/, /^src\/access\/jwt[^/]*\.ts$/), []);
  });

  it("only metrics/metrics.ts imports the Prometheus client", () => {
    assert.deepEqual(importers(/^@prometheus-io\//, /^src\/metrics\/metrics\.ts$/), []);
  });

  it("only tracing/ and what makes spans of calls import OpenTelemetry, and they are loaded where it is wanted", () => {
    const own = /^(src\/tracing\/(tracing|otlp-\w+)|routes\/middleware\/traced)\.ts$/;
    assert.deepEqual(importers(/^@(opentelemetry|hono\/otel)/, own), []);
    assert.deepEqual(importers(/\/(tracing|otlp-\w+|traced)\.ts$/, own, false), []);
  });

  it("the embedded broker is the demo's alone", () => {
    assert.deepEqual(importers(/^aedes$/, /^src\/demo\//), []);
    assert.deepEqual(importers(/\/demo\//, /^src\/demo(\.ts|\/)/), []);
  });

  it("mqtt/ imports nothing outside of itself but zod, and what looks at bytes", () => {
    for (const file of sources.filter(({ path }) => path.startsWith("src/mqtt/"))) {
      for (const { from } of file.imports) {
        assert.ok(
          from === "zod" ||
            from === "node:buffer" ||
            (from.startsWith(".") && local(file, from).startsWith("src/mqtt/")),
          `${file.path} imports ${from}`,
        );
      }
    }
  });

  it("client/ is for others' programs: it imports nothing outside of itself, and nothing of it is imported", () => {
    const isOwn = (path: string) => path.startsWith("src/client/");
    for (const file of sources) {
      for (const { from } of file.imports) {
        const imported = from.startsWith(".") && isOwn(local(file, from));
        assert.equal(imported, isOwn(file.path), `${file.path} imports ${from}`);
      }
    }
    const runtimes = /\b(Buffer|process|setImmediate|require)\b[.(]/;
    assert.deepEqual(
      sources.filter(({ path, text }) => isOwn(path) && runtimes.test(text)).map(({ path }) => path),
      [],
    );
  });

  it("folders import only from those below them, types too", () => {
    const below: Record<string, readonly string[]> = {
      "src/store": [],
      "src/cluster": ["src/store", "src/stream"],
      "src/request": ["src/mqtt", "src/store"],
      "src/stream": [],
      "src/egress": [],
      "src/progress": ["src/store"],
      "src/settings": ["src/egress", "src/cluster"],
      "src/serve": ["src/stream"],
      "src/access": ["src/mqtt", "src/store"],
      "src/broker": ["src/request", "src/mqtt", "src/egress"],
      "src/connection": ["src/broker", "src/request", "src/stream", "src/store", "src/mqtt"],
      "src/metrics": ["src/connection", "src/broker", "src/mqtt"],
      "src/webhooks": ["src/connection", "src/broker", "src/request", "src/stream", "src/store", "src/mqtt"],
    };
    for (const [folder, allowed] of Object.entries(below)) {
      for (const file of sources.filter(({ path }) => dirname(path) === folder)) {
        for (const { from } of file.imports.filter((each) => each.from.startsWith("."))) {
          const target = dirname(local(file, from));
          assert.ok([folder, "src", ...allowed].includes(target), `${file.path} imports ${from}`);
        }
      }
    }
  });

  it("the runtimes are named only in serve.ts, and what is of one of them only in serve/", () => {
    const named = sources.filter(({ text }) =>
      /\b(Bun|Deno)\b/.test(text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*|"[^"\n]*"|`[^`]*`/g, "")),
    );
    assert.deepEqual(
      named.map(({ path }) => path),
      ["src/serve.ts"],
    );
    assert.deepEqual(importers(/\/serve\/(bun|deno)/, /^src\/serve(\.ts|\/)/), []);
  });

  it("no text has the marks of a merge that was not finished", () => {
    const texts = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].concat(
      readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".md"))
        .map((path) => join("docs", path)),
    );
    const marked = texts.filter((path) =>
      /^(<{7} |={7}$|>{7} |(> ){7})/m.test(readFileSync(join(root, path), "utf8")),
    );
    assert.deepEqual(marked, []);
  });

  it("has no import cycles, types apart", () => {
    const graph = new Map(
      sources.map((file) => [
        file.path,
        file.imports
          .filter(({ from, typeOnly }) => !typeOnly && from.startsWith("."))
          .map(({ from }) => local(file, from)),
      ]),
    );
    const visit = (path: string, trail: readonly string[]): void => {
      assert.ok(!trail.includes(path), `a cycle: ${[...trail, path].join(" → ")}`);
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    };
    for (const path of graph.keys()) visit(path, []);
  });

  it("only entry files do anything when they are imported", () => {
    const statement =
      /^(?!import|export|const|function|async function|class|interface|type|declare|@|\/|\s|\}|\)|\]|$)\S/m;
    const acting = sources.filter(({ text }) => statement.test(text.replaceAll(/`[^`]*`/g, '""')));
    assert.deepEqual(acting.map(({ path }) => path).toSorted(), [
      "src/demo.ts",
      "src/main.ts",
      "src/store/sqlite-thread.ts",
    ]);
  });

  it("nothing starts programs, evaluates text, or shows itself in the list of processes", () => {
    assert.deepEqual(importers(/^node:(child_process|cluster|vm|inspector|repl|wasi)$/, /^$/), []);
    const acting = sources.filter(({ text }) =>
      /\beval\(|\bnew Function\(|\bprocess\.title\b|\bimport\((?!")/.test(
        text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""),
      ),
    );
    assert.deepEqual(
      acting.map(({ path }) => path),
      [],
    );
  });

  it("files have at most 300 lines; data tables apart", () => {
    const long = sources.filter(
      ({ text, path }) => text.split("\n").length > 300 && path !== "src/problem-catalogue.ts",
    );
    assert.deepEqual(
      long.map(({ path }) => path),
      [],
    );
  });

  it("uses every problem of the catalogue, and none that is not in it", () => {
    const text = sources
      .filter(({ path }) => path !== "src/problem-catalogue.ts")
      .map((file) => file.text)
      .join("\n");
    assert.deepEqual(
      Object.keys(catalogue).filter((code) => !text.includes(`"${code}"`)),
      [],
    );
  });

  it("pins every dependency, the same in both lock files", () => {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
      "dependencies" | "devDependencies",
      Record<string, string>
    >;
    const npmLock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { version: string }>;
    };
    const bunLock = readFileSync(join(root, "bun.lock"), "utf8");
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} is not pinned`);
      assert.equal(
        npmLock.packages[`node_modules/${name}`]?.version,
        version,
        `${name} in package-lock.json`,
      );
      assert.ok(bunLock.includes(`"${name}@${version}"`), `${name} in bun.lock`);
    }
  });
});
