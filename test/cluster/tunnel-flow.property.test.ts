import assert from "node:assert/strict";
import * as fc from "fast-check";
import { InFlow, leastWindow, OutFlow, pieceCost } from "../../src/cluster/tunnel-flow.ts";
import { describe, it } from "../support/test.ts";

type Sent = { readonly seq: number; readonly bytes: number };

/** Both ends of one direction, and what is on its way between them. */
class Direction {
  readonly out = new OutFlow();
  readonly in: InFlow;
  readonly window: number;
  readonly wire: Sent[] = [];
  readonly unread: number[] = [];
  credits: number[] = [];
  left: number;
  taken = 0;

  constructor(window: number, total: number) {
    this.window = window;
    this.in = new InFlow(window);
    this.out.grant(window);
    this.left = total;
  }

  send(most: number): boolean {
    const bytes = Math.min(this.out.room, most, this.left);
    if (bytes <= 0) return false;
    this.out.spend(bytes);
    this.left -= bytes;
    this.wire.push({ seq: this.out.next(), bytes });
    return true;
  }

  deliver(): boolean {
    const sent = this.wire.shift();
    if (sent === undefined) return false;
    assert.ok(this.in.accept(sent.seq), "in order");
    assert.ok(this.in.receive(sent.bytes), "within the window");
    this.unread.push(sent.bytes);
    return true;
  }

  read(): boolean {
    const bytes = this.unread.shift();
    if (bytes === undefined) return false;
    this.taken += bytes;
    const credit = this.in.take(bytes);
    if (credit > 0) this.credits.push(credit);
    return true;
  }

  credit(): boolean {
    const credit = this.credits.shift();
    if (credit === undefined) return false;
    assert.ok(this.out.grant(credit));
    return true;
  }

  get kept(): number {
    const cost = (bytes: number) => bytes + pieceCost;
    return [...this.unread, ...this.wire.map(({ bytes }) => bytes)].reduce(
      (sum, each) => sum + cost(each),
      0,
    );
  }
}

const direction = fc.record({
  window: fc.integer({ min: leastWindow, max: 65_536 }),
  total: fc.integer({ min: 0, max: 400_000 }),
});
const step = fc.oneof(
  fc.record({ type: fc.constant("send" as const), most: fc.integer({ min: 1, max: 30_000 }) }),
  fc.record({ type: fc.constantFrom("deliver" as const, "read" as const, "credit" as const) }),
);

describe("OutFlow and InFlow", () => {
  it("whatever the order of things: all arrives, never more than the window is kept, nothing stands still", () => {
    fc.assert(
      fc.property(direction, fc.array(step, { maxLength: 300 }), ({ window, total }, steps) => {
        const one = new Direction(window, total);
        for (const each of steps) {
          if (each.type === "send") one.send(each.most);
          else one[each.type]();
          assert.ok(one.kept <= window, `${one.kept} are kept`);
        }
        const goesOn = () => one.credit() || one.deliver() || one.send(30_000) || one.read();
        while (goesOn()) assert.ok(one.kept <= window, `${one.kept} are kept`);
        assert.equal(one.left, 0);
        assert.equal(one.taken, total);
      }),
    );
  });

  it("a reader that takes nothing stops the other end within the window, however small the pieces", () => {
    fc.assert(
      fc.property(direction, fc.integer({ min: 1, max: 200 }), ({ window }, most) => {
        const one = new Direction(window, Infinity);
        let pieces = 0;
        while (one.send(most)) {
          one.deliver();
          pieces += 1;
        }
        assert.ok(pieces <= window / pieceCost);
        assert.equal(one.kept <= window, true);
      }),
    );
  });

  it("notices what was lost, and what has come twice", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(), fc.boolean(), (count, at, twice) => {
        const out = new OutFlow();
        const flow = new InFlow(leastWindow);
        const seqs = Array.from({ length: count + 1 }, () => out.next());
        const faulty = at % count;
        const come = twice ? seqs.toSpliced(faulty, 0, seqs[faulty]!) : seqs.toSpliced(faulty, 1);
        const results = come.map((seq) => flow.accept(seq));
        assert.equal(results.indexOf(false), twice ? faulty + 1 : faulty);
      }),
    );
  });

  it("isBehind() tells when the last of all was lost, over the end of the numbers too", () => {
    const flow = new InFlow(leastWindow);
    assert.equal(flow.isBehind(0), false);
    assert.equal(flow.isBehind(1), true);
    flow.accept(1);
    assert.equal(flow.isBehind(1), false);
    assert.equal(flow.isBehind(0), false);
    assert.equal(flow.isBehind(2 ** 32 - 1), false);
  });

  it("receive() refuses what was given no credit for, and grant() what nobody gives", () => {
    const flow = new InFlow(leastWindow);
    assert.equal(flow.receive(leastWindow - pieceCost + 1), false);
    assert.equal(flow.receive(leastWindow - pieceCost), true);
    assert.equal(flow.receive(1), false);
    assert.equal(new OutFlow().grant(2 ** 32 - 1), false);
  });
});
