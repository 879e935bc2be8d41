import assert from "node:assert/strict";
import { Dispatcher, Line } from "../../src/webhooks/dispatcher.ts";
import { describe, it } from "../support/test.ts";

/** Submits tasks by name; each runs until it is ended. */
function rig(most: number) {
  const dispatcher = new Dispatcher(most);
  const running = new Map<string, () => void>();
  const began: string[] = [];
  const task = (name: string) => () => {
    began.push(name);
    return new Promise<void>((resolve) => running.set(name, resolve));
  };
  return {
    dispatcher,
    began,
    submit: (line: Line, ...names: string[]) => {
      for (const name of names) dispatcher.submit(line, task(name));
    },
    first: (line: Line, name: string) => dispatcher.submit(line, task(name), true),
    end: async (name: string) => {
      running.get(name)?.();
      await new Promise(setImmediate);
    },
  };
}

describe("Dispatcher", () => {
  it("runs so many at once, and the next when one has ended", async () => {
    const { began, submit, end } = rig(2);
    submit(new Line(() => 9), "a", "b", "c");
    assert.deepEqual(began, ["a", "b"]);
    await end("b");
    assert.deepEqual(began, ["a", "b", "c"]);
  });

  it("lets lines take turns, however much waits in one", async () => {
    const { began, submit, end } = rig(1);
    const [x, y] = [new Line(() => 9), new Line(() => 9)];
    submit(x, "x1", "x2", "x3", "x4");
    submit(y, "y1", "y2");
    for (const name of ["x1", "x2", "y1", "x3", "y2"]) await end(name);
    assert.deepEqual(began, ["x1", "x2", "y1", "x3", "y2", "x4"]);
  });

  it("runs no more of one line than it lets, which holds up no other", async () => {
    const { began, submit, end } = rig(10);
    let most = 2;
    const [x, y] = [new Line(() => most), new Line(() => 9)];
    submit(x, "x1", "x2", "x3", "x4");
    submit(y, "y1");
    assert.deepEqual(began, ["x1", "x2", "y1"]);
    most = 1;
    await end("x1");
    assert.deepEqual(began, ["x1", "x2", "y1"]);
    await end("x2");
    assert.deepEqual(began.slice(3), ["x3"]);
  });

  it("puts in front what cannot wait", async () => {
    const { began, submit, first, end } = rig(1);
    const line = new Line(() => 1);
    submit(line, "a", "b");
    first(line, "now");
    await end("a");
    assert.deepEqual(began, ["a", "now"]);
  });

  it("hands on results and failures", async () => {
    const dispatcher = new Dispatcher(1);
    const line = new Line(() => 1);
    assert.equal(await dispatcher.run(line, async () => 7), 7);
    await assert.rejects(
      dispatcher.run(line, async () => {
        throw new Error("no");
      }),
      /no/,
    );
    assert.equal(await dispatcher.run(line, async () => 8), 8);
  });
});
