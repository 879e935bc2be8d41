import assert from "node:assert/strict";
import { Histogram } from "../../src/histogram.ts";
import { PublishHistograms, StageTimes } from "../../src/metrics/times.ts";
import { noTimings } from "../../src/broker/stage-timer.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import { describe, it } from "../support/test.ts";

describe("Histogram", () => {
  it("counts a value in the first bound that is not less, and one above all in the total alone; of all parts", () => {
    const all = new Histogram([1, 2]);
    const parts = [new Histogram([1, 2], all), new Histogram([1, 2], all)] as const;
    for (const value of [0, 1, 1.5, 2, 3]) parts[0].observe(value);
    parts[1].observe(2);
    assert.deepEqual([[...parts[0].counts], parts[0].count, parts[0].sum], [[2, 2], 5, 7.5]);
    assert.deepEqual([[...all.counts], all.count, all.sum], [[2, 3], 6, 9.5]);
  });

  it("is in the text form with bounds that include those below", async () => {
    const histogram = new Histogram([0.5, 1]);
    for (const value of [0.25, 0.75, 0.75, 4]) histogram.observe(value);
    const metrics = new Metrics<Histogram>([
      { name: "x_seconds", type: "histogram", help: "X", labels: ["a"], read: (all) => [[all, "b"]] },
    ]);
    assert.equal(
      (await metrics.text(histogram)).trim(),
      `# HELP x_seconds X
# TYPE x_seconds histogram
x_seconds_bucket{a="b",le="0.5"} 1
x_seconds_bucket{a="b",le="1"} 3
x_seconds_bucket{a="b",le="+Inf"} 4
x_seconds_sum{a="b"} 5.75
x_seconds_count{a="b"} 4`,
    );
  });
});

describe("StageTimes, PublishHistograms", () => {
  it("count each stage that was needed, in seconds, in the part and in the whole", () => {
    const all = new StageTimes();
    new StageTimes(all).observe({ ...noTimings, dnsMs: 500, connackMs: 2_000 });
    const seen = [...all].map(([{ count, sum }, stage]) => [stage, count, sum]);
    assert.deepEqual(seen, [
      ["dns", 1, 0.5],
      ["tcp", 0, 0],
      ["tls", 0, 0],
      ["websocket", 0, 0],
      ["connack", 1, 2],
    ]);
  });

  it("count publishes by QoS and outcome", () => {
    const all = new PublishHistograms();
    new PublishHistograms(all).observe(1, "refused", 250);
    const seen = [...all].filter(([{ count }]) => count > 0).map(([{ sum }, qos, what]) => [sum, qos, what]);
    assert.deepEqual(seen, [[0.25, "1", "refused"]]);
  });
});
