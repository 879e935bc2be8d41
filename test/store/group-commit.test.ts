import assert from "node:assert/strict";
import { GroupCommit } from "../../src/store/group-commit.ts";
import { StoreError } from "../../src/store/store.ts";
import { describe, it } from "../support/test.ts";

const commit = { token: "1", changes: [] };
const unavailable = (error: unknown) => error instanceof StoreError && error.kind === "unavailable";

describe("GroupCommit", () => {
  it("refuse() leaves nobody waiting but those whose outcome is not known", async () => {
    let sent = Promise.withResolvers<number>();
    const commits = new GroupCommit((group) => sent.resolve(group.length));
    const first = commits.add(commit);
    assert.equal(await sent.promise, 1);
    const second = commits.add(commit);
    commits.refuse("The disk fails");
    await assert.rejects(second, unavailable);
    await assert.rejects(commits.add(commit), unavailable);
    sent = Promise.withResolvers();
    commits.done([{ ok: true, positions: [7] }]);
    assert.deepEqual(await first, [7]);
    const third = commits.add(commit);
    assert.equal(await sent.promise, 1);
    commits.done([{ ok: true, positions: [8] }]);
    assert.deepEqual(await third, [8]);
  });
});
