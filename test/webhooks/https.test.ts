import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificates } from "../support/certificates.ts";
import { needs } from "../support/needs.ts";
import { startMain } from "../support/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";
import { startEndpoint, status, verify } from "../support/webhook-endpoint.ts";

describe("https: endpoints", () => {
  it(
    "are delivered to when their certificate is for the name in the URL, and by an authority that is trusted",
    async () => {
      using directory = temporaryDirectory();
      const { ca, server, wrongHost } = await makeCertificates();
      const trusted = join(directory.path, "ca.pem");
      writeFileSync(trusted, ca.cert);
      // Each runtime has its own way of being told.
      await using program = startMain({ NODE_EXTRA_CA_CERTS: trusted, DENO_CERT: trusted });
      const [, app = ""] = /listening on (\S+)/.exec(await program.printed(/listening on \S+/)) ?? [];
      await using good = await startEndpoint(status(204), server);
      await using other = await startEndpoint(status(204), wrongHost);
      const post = async (path: string, body?: object) => {
        const headers = { "content-type": "application/json" };
        const response = await fetch(`${app}${path}`, {
          method: "POST",
          ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }),
        });
        return response.json() as Promise<Record<string, string>>;
      };
      const test = async (url: string) => {
        const { id, secret = "" } = await post("/webhooks", { url, topics: ["#"] });
        const { state, code, detail } = await post(`/webhooks/${id}/test`);
        return { state, code, detail, secret };
      };
      for (const [index, host] of ["127.0.0.1", "localhost"].entries()) {
        const { state, detail, secret } = await test(`https://${host}:${good.port}/hook`);
        assert.equal(state, "delivered", detail ?? "");
        verify(secret, await good.nth(index + 1));
        assert.equal(good.received[index]?.headers["host"], `${host}:${good.port}`);
      }
      const { state, code, detail } = await test(other.url);
      assert.deepEqual([state, code], ["failed", "tls-error"]);
      assert.equal(detail, `TLS with 127.0.0.1:${other.port} failed: host-name-mismatch`);
      assert.equal(other.received.length, 0);
    },
    { skip: needs("openssl") },
  );
});
