import assert from "node:assert/strict";
import { formatAptSource, isBaseArchive, parseAptSources } from "./apt-sources.ts";
import { describe, it } from "./test.ts";

const deb822 = `# somebody's comment
Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://other.example/
Suites: bookworm
Components: stable

Enabled: no
Types: deb
URIs: http://archive.example/old
Suites: bookworm
Components: main
`;
const oneLine = `
# deb http://archive.example/debian bullseye main
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://archive.example/debian stable main contrib
deb-src http://archive.example/debian stable main
deb http://archive.example/security bookworm-security main
`;

function derived(text: string): readonly string[] {
  const sources = parseAptSources(text).filter((source) => isBaseArchive(source, "bookworm"));
  return sources.map((source) => formatAptSource(source, ["sid"]));
}

describe("parseAptSources()", () => {
  it("finds the base archive of a deb822 file, of which another suite can be asked", () => {
    assert.deepEqual(derived(deb822), [
      `Types: deb
URIs: http://archive.example/debian
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
Suites: sid
`,
    ]);
  });

  it("finds it in the one-line form, with its options", () => {
    assert.deepEqual(derived(oneLine), [
      `Types: deb
URIs: http://archive.example/debian
Components: main contrib
Architectures: amd64
Signed-By: /usr/share/keyrings/a.gpg
Suites: sid
`,
    ]);
  });
});
