import type { NodeFacts } from "./heart.ts";

/** What is to be said of the keys of a node that joins others. */
export interface KeysVerdict {
  /** Why it does not start: what the others have sealed, it could not open, and no shard that has any of it could begin there. */
  readonly refusal: string | null;
  /** What it seals, others could not open. */
  readonly warning: string | null;
}

/** Compares the ids of this node's keys with those of the others; one of an older version does not tell its own. */
export function judgeKeys(own: readonly string[], members: readonly NodeFacts[]): KeysVerdict {
  const [first] = own;
  const sealer = members.find(({ keys: [theirs] = [] }) => theirs !== undefined && !own.includes(theirs));
  const blind = members.find(({ keys }) => first !== undefined && keys?.includes(first) === false);
  const setting = "CONNACK_SECRET_KEY or CONNACK_SECRET_KEY_FILE";
  return {
    refusal:
      sealer === undefined
        ? null
        : `The node ${sealer.name} encrypts with the key ${sealer.keys?.[0]}, which is not among those of ${setting} here: what is stored could not be read`,
    warning:
      blind === undefined
        ? null
        : `the node ${blind.name} does not have the key ${first}, with which this one encrypts: it cannot have what this one has stored`,
  };
}
