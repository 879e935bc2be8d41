import assert from "node:assert/strict";
import {
  jetstream,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamClient,
  type JetStreamManager,
} from "@nats-io/jetstream";
import { patiently } from "../../src/cluster/patience.ts";
import { needs } from "../support/needs.ts";
import { type Nats, startNats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";

const contenders = 3;
const rounds = 300;
const subject = "race.log";
/** "wrong last sequence", with the sequence, and without one while another write to the subject is on its way. */
const lostCodes = new Set([10071, 10164]);

const skip = needs("nats");

// That one node owns everything rests on this: of those who append after the same record, one succeeds. Where it
// does not hold, as with servers before 2.10, no code of ours can make it hold.
describe("a raced publish with lastSubjectSequence", () => {
  let nats: Nats;
  const writers: JetStreamClient[] = [];
  let manager: JetStreamManager;

  before(async () => {
    if (skip !== false) return;
    nats = await startNats({ servers: 3 });
    // Each through a server of its own, as nodes are.
    for (let index = 0; index < contenders; index += 1) {
      const client = await nats.connect({ servers: `127.0.0.1:${nats.servers[index]!.port}` });
      writers.push(jetstream(client, { timeout: 10_000 }));
    }
    manager = await jetstreamManager(await nats.connect(), { timeout: 5_000 });
    const make = () => manager.streams.add({ name: "RACE", subjects: ["race.>"], num_replicas: 3 });
    await patiently(make, () => performance.now());
  });
  after(async () => {
    if (skip === false) await nats[Symbol.asyncDispose]();
  });

  /** The sequence it was stored at, or undefined where another was first. */
  async function attempt(writer: JetStreamClient, text: string, last: number): Promise<number | undefined> {
    try {
      const options = { expect: { lastSubjectSequence: last }, retries: 0 };
      return (await writer.publish(subject, text, options)).seq;
    } catch (error) {
      if (error instanceof JetStreamApiError && lostCodes.has(error.code)) return undefined;
      throw error;
    }
  }

  it(
    `has no two winners, and one in the end, in each of ${rounds} rounds of ${contenders} contenders at three replicas`,
    async () => {
      const winners: string[] = [];
      const wins = writers.map(() => 0);
      let [last, unwon] = [0, 0];
      for (let round = 0; round < rounds; round += 1) {
        const sequences = await Promise.all(
          writers.map((writer, index) => attempt(writer, `${round} ${index}`, last)),
        );
        const won = sequences.flatMap((sequence, index) =>
          sequence === undefined ? [] : [{ sequence, index }],
        );
        assert.ok(won.length <= 1, `round ${round}: ${JSON.stringify(sequences)}`);
        const [winner] = won;
        if (winner === undefined) {
          // The write before may still be under way for the leader, which then refuses all of them.
          unwon += 1;
          assert.ok(unwon <= rounds / 10, `${unwon} rounds without a winner`);
          round -= 1;
          continue;
        }
        const { sequence, index } = winner;
        assert.ok(sequence > last);
        last = sequence;
        wins[index] = (wins[index] ?? 0) + 1;
        winners.push(`${round} ${index}`);
      }
      console.log(`nats-server ${nats.version}: rounds won by each: ${wins.join(", ")}`);

      // What is stored is what was acknowledged, and nothing of those who were told that they lost.
      const { state } = await manager.streams.info("RACE");
      assert.equal(state.messages, rounds);
      const stored: string[] = [];
      for (let from = state.first_seq; from <= state.last_seq; from += 1) {
        const message = await manager.streams.getMessage("RACE", { seq: from });
        if (message !== null) stored.push(message.string());
      }
      assert.deepEqual(stored, winners);
    },
    { skip, timeout: 60_000 },
  );

  it(
    "has none among those who are behind",
    async () => {
      const stale = await Promise.all(writers.map((writer) => attempt(writer, "stale", 1)));
      assert.deepEqual(
        stale,
        writers.map(() => undefined),
      );
    },
    { skip },
  );
});
