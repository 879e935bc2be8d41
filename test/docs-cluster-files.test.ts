import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { parseSettings } from "../src/settings.ts";
import { environmentOf } from "./support/environment-file.ts";
import { needs } from "./support/needs.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { describe, it } from "./support/test.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

describe("docs/cluster's units", () => {
  const texts = {
    "nats.service": "docs/cluster/nats.service",
    "connack.service": "docs/systemd/connack.service",
  };

  it(
    "are such that systemd knows every word of them, and thinks well of them",
    async () => {
      using folder = temporaryDirectory();
      // The programs have to be there, and are not where they will be.
      for (const [name, path] of Object.entries(texts))
        writeFileSync(
          join(folder.path, name),
          read(path).replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`),
        );
      mkdirSync(join(folder.path, "connack.service.d"));
      cpSync(join(root, "docs/cluster/connack.conf"), join(folder.path, "connack.service.d/cluster.conf"));
      for (const name of Object.keys(texts)) {
        const file = join(folder.path, name);
        const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", file]);
        assert.equal(stdout + stderr, "", name);
        await run("systemd-analyze", ["security", "--offline=yes", "--threshold=25", "--no-pager", file]);
      }
    },
    { skip: needs("systemd") },
  );

  it("start servers with the configuration that is there, and nodes with settings that are taken", () => {
    assert.match(read(texts["nats.service"]), /^# \/etc\/systemd\/system\/nats\.service/);
    const [, file = ""] = /ExecStart=\S+ -c (\S+)/.exec(read(texts["nats.service"])) ?? [];
    assert.ok(read("docs/cluster/nats.conf").startsWith(`# ${file},`));
    const [, environment = ""] = /^EnvironmentFile=(\S+)$/m.exec(read("docs/cluster/connack.conf")) ?? [];
    assert.ok(read("docs/cluster/connack.env").startsWith(`# ${environment},`));
    const settings = parseSettings(environmentOf(read("docs/cluster/connack.env")));
    assert.equal(settings.store.kind, "nats");
    assert.ok(settings.clusterSystemUrl !== null && settings.clusterAllow.length === 0);
  });
});

/** What is looked at of a service of `compose.yaml`. */
interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly env_file?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly networks: { readonly default: { readonly aliases: readonly string[] } };
}

describe("docs/cluster/compose.yaml and haproxy.cfg", () => {
  const compose = parse(read("docs/cluster/compose.yaml"), { merge: true });
  const services = new Map<string, Service>(Object.entries(compose.services));
  const aliases = (name: string) => services.get(name)?.networks.default.aliases;

  it("has as many servers and nodes as the other files name, by the same names, with these files", () => {
    const named = new Set(read("docs/cluster/nats.conf").match(/nats-\d\.example/g));
    assert.equal(named.size, 3);
    for (const host of named) {
      const name = host.replace(".example", "");
      const { volumes, command } = services.get(name) ?? assert.fail(name);
      assert.deepEqual(aliases(name), [host]);
      const inside = volumes.map((volume) => volume.split(":")[1]);
      assert.deepEqual(inside, [
        "/etc/nats/nats.conf",
        "/etc/nats/server.conf",
        "/etc/nats/tls",
        "/var/lib/nats",
      ]);
      assert.ok(
        volumes.includes("./nats.conf:/etc/nats/nats.conf:ro") && command?.includes("/etc/nats/nats.conf"),
      );
      assert.ok(Object.hasOwn(compose.volumes, name));
    }
    const balanced = read("docs/cluster/haproxy.cfg").match(/(?<=^ {2}server )node-\d/gm) ?? [];
    assert.deepEqual(balanced, ["node-1", "node-2", "node-3"]);
    for (const name of balanced) {
      const { image, env_file, environment, volumes } = services.get(name) ?? assert.fail(name);
      assert.deepEqual([image, env_file], ["connack", "connack.env"]);
      assert.deepEqual(environment, { CONNACK_CLUSTER_NODE: name });
      assert.deepEqual(aliases(name), [`${name}.example`]);
      const settings = environmentOf(read("docs/cluster/connack.env"));
      for (const file of ["NATS_CA_FILE", "SECRET_KEY_FILE", "ADMIN_TOKEN_FILE"])
        assert.ok(
          volumes.some((volume) => volume.endsWith(`:${settings[`CONNACK_${file}`]}:ro`)),
          file,
        );
    }
  });

  it("asks nodes for /readyz by a name that they take, and repeats nothing that was sent", () => {
    const text = read("docs/cluster/haproxy.cfg");
    const host = /uri \/readyz .* hdr Host (\S+)$/m.exec(text)?.[1];
    assert.equal(`https://${host}`, environmentOf(read("docs/cluster/connack.env"))["CONNACK_PUBLIC_URL"]);
    assert.match(text, /^ {2}retry-on conn-failure$/m);
    const seconds = Number(/^ {2}timeout server (\d+)s$/m.exec(text)?.[1]);
    assert.ok(seconds * 1_000 > parseSettings({}).heartbeatMs * 1.25 && seconds > 60);
  });
});
