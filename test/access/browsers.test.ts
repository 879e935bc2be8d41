import assert from "node:assert/strict";
import { browserRules } from "../../src/access/browsers.ts";
import { parseSettings, SettingsError } from "../../src/settings.ts";
import { describe, it } from "../support/test.ts";

const settings = (environment: Record<string, string>) => parseSettings(environment);
const rulesOn = (host: string, environment: Record<string, string> = {}) =>
  browserRules({ ...settings(environment), host });

describe("browserRules()", () => {
  it("checks Host on loopback always, elsewhere when there is a name to check it against", () => {
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
      assert.deepEqual([...(rulesOn(host).hosts ?? ["none"])], []);
    for (const host of ["0.0.0.0", "::", "10.0.0.7", "connack.example"])
      assert.equal(rulesOn(host).hosts, null);
    assert.deepEqual(
      [...(rulesOn("0.0.0.0", { CONNACK_ALLOWED_HOSTS: "A.example" }).hosts ?? [])],
      ["a.example"],
    );
    const named = rulesOn("0.0.0.0", { CONNACK_PUBLIC_URL: "https://Connack.example:8443" });
    assert.deepEqual([...(named.hosts ?? [])], ["connack.example"]);
    assert.equal(named.publicOrigin, "https://connack.example:8443");
  });
});

describe("CONNACK_PUBLIC_URL and CONNACK_CORS_ORIGINS", () => {
  it("are origins, as browsers write them", () => {
    const { publicUrl, corsOrigins } = settings({
      CONNACK_PUBLIC_URL: "HTTPS://Connack.example:443/",
      CONNACK_CORS_ORIGINS: "http://localhost:5173, https://App.example/ ,http://[::1]:80",
    });
    assert.equal(publicUrl, "https://connack.example");
    assert.deepEqual(corsOrigins, ["http://localhost:5173", "https://app.example", "http://[::1]"]);
  });

  const refused = (name: string, text: string) => {
    let message = "";
    try {
      settings({ [name]: text });
    } catch (error) {
      assert.ok(error instanceof SettingsError);
      ({ message } = error);
    }
    return message;
  };

  it("are refused where they are none, by a sentence", () => {
    for (const name of ["CONNACK_PUBLIC_URL", "CONNACK_CORS_ORIGINS"])
      for (const text of [
        "connack.example",
        "ftp://connack.example",
        "https://connack.example/path",
        "https://connack.example/?a=b",
        "https://user@connack.example",
        "https://*.example",
        "https://",
        "null",
      ])
        assert.match(refused(name, text), new RegExp(`^${name}=.*expected an origin`), text);
    assert.match(refused("CONNACK_PUBLIC_URL", "https://a.example,https://b.example"), /expected an origin/);
  });

  it("* is refused, by a sentence that says why", () => {
    for (const text of ["*", "https://a.example,*"])
      assert.match(refused("CONNACK_CORS_ORIGINS", text), /\* would let every page .* list the origins/);
  });
});
