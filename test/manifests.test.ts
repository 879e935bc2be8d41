import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { parseSettings } from "../src/settings.ts";
import { readDockerfile } from "./support/dockerfile.ts";
import { jailUser } from "./support/jail.ts";
import { needs } from "./support/needs.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** A unit's sections, with all values of each name. */
function readUnit(text: string): Map<string, Map<string, string[]>> {
  const sections = new Map<string, Map<string, string[]>>();
  let section = new Map<string, string[]>();
  for (const line of text.split("\n").filter((each) => each !== "" && !/^[#;]/.test(each))) {
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (name !== undefined) sections.set(name, (section = new Map<string, string[]>()));
    else {
      const [, key = "", value = ""] =
        /^([A-Z]\w+)=(.*)$/.exec(line) ?? assert.fail(`not a line of a unit: ${line}`);
      section.set(key, [...(section.get(key) ?? []), value]);
    }
  }
  return sections;
}

/** Seconds that an end may take: its grace, and two. */
const endSeconds = parseSettings({}).shutdownGraceMs / 1_000 + 2;

describe("docs/systemd/connack.service", () => {
  const unit = readUnit(read("docs/systemd/connack.service"));
  const service = unit.get("Service") ?? new Map<string, string[]>();
  const one = (key: string) => service.get(key)?.[0] ?? "";

  it("starts what there is, as a user without rights, with settings that are taken", () => {
    assert.deepEqual([...unit.keys()], ["Unit", "Service", "Install"]);
    const [program, file = ""] = one("ExecStart").split(" ");
    assert.ok(program?.endsWith("/bun") === true && existsSync(join(root, file)), one("ExecStart"));
    assert.equal(one("User"), "connack");
    const pairs = (service.get("Environment") ?? []).map((pair) => pair.split("=") as [string, string]);
    const settings = parseSettings(Object.fromEntries(pairs));
    // The only folder that it can write to.
    assert.deepEqual(settings.store, {
      kind: "sqlite",
      file: `/var/lib/${one("StateDirectory")}/connack.db`,
    });
    assert.deepEqual(
      [one("ProtectSystem"), one("NoNewPrivileges"), one("CapabilityBoundingSet")],
      ["strict", "yes", ""],
    );
    // Both runtimes compile while they run.
    assert.equal(service.has("MemoryDenyWriteExecute"), false);
  });

  it(
    "is a unit that systemd knows every word of, and thinks well of",
    async () => {
      using directory = temporaryDirectory();
      const file = join(directory.path, "connack.service");
      // The program has to be there, and is not where it will be.
      writeFileSync(
        file,
        read("docs/systemd/connack.service").replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`),
      );
      const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", file]);
      assert.equal(stdout + stderr, "");
      // In tenths of its measure of exposure, which ends at 10 and is 1.7 here; it exits with 1 above.
      await run("systemd-analyze", ["security", "--offline=yes", "--threshold=25", "--no-pager", file]);
    },
    { skip: needs("systemd") },
  );

  it("lets it come to its end", () => {
    assert.ok(Number(one("TimeoutStopSec")) > endSeconds);
  });
});

describe("docs/kubernetes/connack.yaml", () => {
  const documents = parseAllDocuments(read("docs/kubernetes/connack.yaml"));
  const [service, set] = documents.map((document) => document.toJS());
  const pod = set?.spec?.template?.spec;
  const [container] = pod?.containers ?? [];
  const dockerfile = readDockerfile();

  it("is YAML of the kinds that are meant, which fit each other", () => {
    assert.deepEqual(
      documents.flatMap(({ errors }) => errors),
      [],
    );
    assert.deepEqual([service.kind, set.kind], ["Service", "StatefulSet"]);
    assert.deepEqual(service.spec.selector, set.spec.template.metadata.labels);
    assert.deepEqual(set.spec.selector.matchLabels, set.spec.template.metadata.labels);
    assert.equal(set.spec.serviceName, service.metadata.name);
    const [{ name, containerPort }] = container.ports;
    assert.equal(service.spec.ports[0].targetPort, name);
    assert.equal(String(containerPort), dockerfile.environment["CONNACK_PORT"]);
    assert.equal(String(containerPort), dockerfile.one("EXPOSE"));
  });

  it("has settings that are taken, and access control on", () => {
    const environment = Object.fromEntries(
      container.env.map(({ name, value }: { name: string; value?: string }) => [
        name,
        // As the document says that the Secret is made.
        value ?? (name === "CONNACK_SECRET_KEY" ? Buffer.alloc(32).toString("base64") : "0".repeat(64)),
      ]),
    );
    const settings = parseSettings(environment);
    assert.ok(settings.adminToken !== null && settings.secretKey.length === 1);
  });

  it("runs one, as the image's user, without rights, and lets it come to its end", () => {
    assert.equal(set.spec.replicas, 1);
    const { runAsUser, runAsGroup, fsGroup, runAsNonRoot } = pod.securityContext;
    assert.deepEqual([runAsUser, runAsGroup, fsGroup, runAsNonRoot], [jailUser, jailUser, jailUser, true]);
    assert.deepEqual(container.securityContext, {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    assert.equal(pod.automountServiceAccountToken, false);
    assert.ok(pod.terminationGracePeriodSeconds > endSeconds);
    assert.equal(container.volumeMounts[0].mountPath, dockerfile.one("VOLUME"));
    assert.equal(container.volumeMounts[0].name, set.spec.volumeClaimTemplates[0].metadata.name);
    assert.equal(container.readinessProbe.httpGet.path, "/readyz");
    assert.equal(container.livenessProbe.httpGet.path, "/healthz");
  });
});
