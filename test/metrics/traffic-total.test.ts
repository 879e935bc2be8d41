import assert from "node:assert/strict";
import { TrafficTotal } from "../../src/metrics/traffic-total.ts";
import { describe, it } from "../support/test.ts";

const traffic = (n: number) => ({ messagesIn: n, messagesOut: 2 * n, bytesIn: 3 * n, bytesOut: 4 * n });

describe("TrafficTotal", () => {
  it("is what goes and what has gone, of all parts, and never less than before", () => {
    const all = new TrafficTotal();
    const [a, b] = [new TrafficTotal(all), new TrafficTotal(all)];
    const [one, two] = [traffic(1), traffic(10)];
    a.enter(one);
    b.enter(two);
    assert.deepEqual([a.read(), b.read(), all.read()], [traffic(1), traffic(10), traffic(11)]);
    Object.assign(one, traffic(5));
    assert.deepEqual(all.read(), traffic(15));
    a.leave(one);
    assert.deepEqual([a.read(), all.read()], [traffic(5), traffic(15)]);
  });

  it("counts what has left once, and what comes after that not at all", () => {
    const total = new TrafficTotal();
    const one = traffic(1);
    total.enter(one);
    total.leave(one);
    total.leave(one);
    Object.assign(one, traffic(100));
    assert.deepEqual(total.read(), traffic(1));
  });
});
