import assert from "node:assert/strict";
import { countTests, sum } from "./junit.ts";
import { describe, it } from "./test.ts";

const nested = `<testsuites><testsuite name="t" tests="3">
  <testcase name="fails" classname="inner &gt; outer" time="0.1"><failure type="AssertionError" message="1 &lt; 2">x
</failure></testcase>
  <testcase name="skipped" classname="outer"><skipped /></testcase>
  <testcase name="top" classname="" /></testsuite></testsuites>`;

const steps = `<testsuites><testsuite name="a">
  <testcase name="outer"><failure message="1 test step failed">1 test step failed.</failure></testcase>
  <testcase name="top">
  </testcase></testsuite><testsuite name="b">
  <testcase name="outer &gt; inner"><failure message="1 test step failed">…</failure></testcase>
  <testcase name="outer &gt; skipped"><skipped/></testcase>
  <testcase name="outer &gt; inner &gt; fails"><failure message="no">AssertionError</failure></testcase>
</testsuite></testsuites>`;

describe("countTests()", () => {
  it("counts the same tests in the reports of both runtimes", () => {
    const expected = { passed: 1, failed: 1, skipped: 1 };
    assert.deepEqual(countTests(nested), expected);
    assert.deepEqual(countTests(steps), expected);
  });

  it("finds nothing in an empty report", () => {
    assert.deepEqual(countTests(""), sum([]));
  });
});
