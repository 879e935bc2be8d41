import assert from "node:assert/strict";
import { SharedQuestion } from "../../src/store/jetstream-question.ts";
import { describe, it } from "../support/test.ts";

describe("SharedQuestion", () => {
  it("is put again for those who ask while it is under way, once for all of them", async () => {
    const put: PromiseWithResolvers<void>[] = [];
    const begun: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()];
    const question = new SharedQuestion(() => {
      const answer = Promise.withResolvers<void>();
      put.push(answer);
      begun[put.length - 1]?.resolve();
      return answer.promise;
    }, 0);
    const [first, same] = [question.ask(), question.ask()];
    await begun[0]?.promise;
    let isAnswered = false;
    const late = Promise.all([question.ask(), question.ask()]).then(() => (isAnswered = true));
    put[0]?.resolve();
    await Promise.all([first, same]);
    await begun[1]?.promise;
    assert.deepEqual([put.length, isAnswered], [2, false]);
    put[1]?.resolve();
    await late;
    assert.equal(put.length, 2);
  });

  it("lets one who is in a hurry go, and answers the others; a failure is those' who had it", async () => {
    const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let put = 0;
    const question = new SharedQuestion(() => {
      put += 1;
      return answers[put - 1]?.promise ?? Promise.resolve();
    }, 0);
    const isLate = { name: "StoreError", kind: "unavailable" };
    const patient = question.ask();
    await assert.rejects(question.ask(AbortSignal.timeout(10)), isLate);
    await assert.rejects(question.ask(AbortSignal.abort()), isLate);
    answers[0]?.reject(new Error("away"));
    await assert.rejects(patient, /away/);
    answers[1]?.resolve();
    await question.ask();
  });
});
