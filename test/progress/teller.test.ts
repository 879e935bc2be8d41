import assert from "node:assert/strict";
import { createLogger } from "../../src/log.ts";
import { ProgressBoard } from "../../src/progress/board.ts";
import { tellProgress } from "../../src/progress/tell.ts";
import { ProgressTeller, type ProgressVoice } from "../../src/progress/teller.ts";
import { TransientLine } from "../../src/progress/transient-line.ts";
import { loggingVoice, terminalVoice } from "../../src/progress/voices.ts";
import { describe, it } from "../support/test.ts";

/** A board whose time the test makes, and what is written of it. */
function scene(makeVoice: (write: (text: string) => void) => ProgressVoice) {
  let now = 0;
  let looks: { readonly everyMs: number; readonly call: () => void } | null = null;
  const written: string[] = [];
  const board = new ProgressBoard(() => now);
  const every = (everyMs: number, call: () => void) => {
    looks = { everyMs, call };
    return () => {
      looks = null;
    };
  };
  const voice = makeVoice((text) => written.push(text));
  const teller = new ProgressTeller(board, voice, { now: () => now, every });
  return {
    board,
    teller,
    isLooking: () => looks !== null,
    /** What is written while so much time goes by. */
    pass: (ms: number): string[] => {
      const from = written.length;
      for (const end = now + ms; now < end;) {
        now += Math.min(looks?.everyMs ?? ms, end - now);
        looks?.call();
      }
      return written.slice(from);
    },
    /** What is written by doing this. */
    by: (act: () => void): string[] => {
      const from = written.length;
      act();
      return written.slice(from);
    },
  };
}

const lineVoice = (write: (text: string) => void) => terminalVoice(new TransientLine(write));
const logVoice = (write: (text: string) => void) =>
  loggingVoice(createLogger({ level: "info", format: "json", write, now: () => 0 }));
const fieldsOf = (lines: readonly string[]) =>
  lines.map((line) => {
    const { time: _, level: __, ...rest } = JSON.parse(line) as Record<string, unknown>;
    return rest;
  });
const clear = "\r\u001b[2K";

describe("ProgressTeller", () => {
  for (const voice of [lineVoice, logVoice])
    it(`says nothing of what takes less than a second (${voice.name})`, () => {
      const { board, pass, by, isLooking } = scene(voice);
      board.report({ task: "restore", done: 0, total: 9 });
      assert.deepEqual(pass(999), []);
      assert.deepEqual(
        by(() => board.finish("restore")),
        [],
      );
      assert.ok(!isLooking());
    });

  it("rewrites one line at a terminal four times a second at most, and ends it with a sentence", () => {
    const { board, pass, by } = scene(lineVoice);
    board.report({ task: "migration", from: 1, to: 2, done: 0, total: 4 });
    assert.deepEqual(pass(1_000), [`${clear}Migrating the store from version 1 to 2: 0 of 4`]);
    const silent = by(() => {
      for (let n = 0; n < 100; n += 1) board.report({ task: "migration", from: 1, to: 2, done: 3, total: 4 });
    });
    assert.deepEqual(silent, []);
    const line = `${clear}Migrating the store from version 1 to 2: 3 of 4`;
    assert.deepEqual(pass(1_000), [line, line, line, line]);
    assert.deepEqual(
      by(() => board.finish("migration")).join(""),
      `${clear}The store has been migrated from version 1 to 2, in 2 s.\n`,
    );
    assert.deepEqual(pass(1_000), []);
  });

  it("writes a line of the log at the beginning, one each five seconds, and one at the end", () => {
    const { board, pass, by } = scene(logVoice);
    board.report({ task: "restore", done: 10, total: 900 });
    const message = "reading stored connections back";
    assert.deepEqual(fieldsOf(pass(1_250)), [{ message, task: "restore", done: 10, total: 900 }]);
    board.report({ task: "restore", done: 800, total: 900 });
    assert.deepEqual(fieldsOf(pass(4_500)), []);
    assert.deepEqual(fieldsOf(pass(1_000)), [{ message, task: "restore", done: 800, total: 900 }]);
    const end = { message: "stored connections have been read back", task: "restore", seconds: 6.8 };
    assert.deepEqual(fieldsOf(by(() => board.finish("restore"))), [end]);
  });

  it("ends one task where the next one begins", () => {
    const { board, pass, by } = scene(logVoice);
    board.report({ task: "store", why: "in-use" });
    assert.equal(fieldsOf(pass(1_000))[0]?.["message"], "waiting for another process to let go of the store");
    const next = by(() => board.report({ task: "dial", done: 0, total: 2 }));
    assert.deepEqual(fieldsOf(next), [{ message: "the store is open", task: "store", seconds: 1 }]);
    assert.equal(fieldsOf(pass(1_000))[0]?.["message"], "dialling stored connections");
  });

  it("disposed of, takes back what is half said, and says no more", () => {
    const { board, pass, by, teller, isLooking } = scene(lineVoice);
    board.report({ task: "store", why: "unclean" });
    assert.deepEqual(pass(1_000), [`${clear}Looking through the store, which was not closed …`]);
    assert.deepEqual(
      by(() => teller[Symbol.dispose]()),
      [clear],
    );
    assert.deepEqual(
      by(() => board.finish("store")),
      [],
    );
    assert.ok(!isLooking());
  });
});

describe("TransientLine", () => {
  it("goes before what stays is written", () => {
    const written: string[] = [];
    const line = new TransientLine((text) => written.push(text));
    line.write("a\n");
    line.show("half");
    line.write("b\n");
    line.write("c\n");
    assert.deepEqual(written, ["a\n", `${clear}half`, clear, "b\n", "c\n"]);
  });
});

describe("tellProgress()", () => {
  it("does not even look where the log has no room for it", () => {
    const board = new ProgressBoard(() => 0);
    const logger = createLogger({ level: "warn", format: "json", write: assert.fail, now: Date.now });
    let watched = false;
    board.watch = () => {
      watched = true;
      return () => {};
    };
    tellProgress(board, logger, null)[Symbol.dispose]();
    assert.ok(!watched);
  });
});
