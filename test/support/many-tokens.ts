import { hashOf, newToken } from "../../src/access/token.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Change } from "../../src/store/store.ts";

const atOnce = 5_000;

/** The token with this number, as a process before would have kept it. */
function kept(number: number): { readonly text: string; readonly change: Change } {
  const { id, text } = newToken();
  const record = {
    name: `device ${number}`,
    tenant: `tenant-${number % 1_000}`,
    scopes: ["publish", "subscribe"],
    publish: [`devices/${number}/#`],
    subscribe: null,
    expiresAt: null,
    createdAt: 0,
    createdBy: "admin",
    order: number,
    hash: hashOf(text).toString("base64"),
  };
  return { text, change: { type: "put", space: "tokens", key: id, value: JSON.stringify(record) } };
}

/** Puts so many tokens into a file that nobody uses, as a process before would have kept them; resolves with their texts. */
export async function keepTokens(file: string, count: number): Promise<readonly string[]> {
  const texts: string[] = [];
  await using store = await openSqlite({ file, maxBytes: 1e9, busyTimeoutMs: 5_000 });
  const lease = await store.acquire();
  for (let start = 0; start < count; start += atOnce) {
    const some = Array.from({ length: atOnce }, (_, i) => kept(start + i + 1));
    await store.commit(
      lease,
      some.map(({ change }) => change),
    );
    texts.push(...some.map(({ text }) => text));
  }
  return texts;
}
