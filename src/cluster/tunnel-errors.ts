import { reasons, type Reason } from "./tunnel-frame.ts";

/** Nobody owns this now, and the call was not carried out: it may be tried again. */
export class NoOwner extends Error {
  override readonly name = "NoOwner";
}

/** The owner was lost before its answer began. */
export class OwnerLost extends Error {
  override readonly name = "OwnerLost";
  readonly reason: Reason;
  /** False only where the owner has certainly not begun with it. */
  readonly mayHaveBeenCarriedOut: boolean;

  constructor(reason: Reason, mayHaveBeenCarriedOut: boolean) {
    super(`The node that owns this has not answered: ${reasons[reason]}`);
    this.reason = reason;
    this.mayHaveBeenCarriedOut = mayHaveBeenCarriedOut;
  }
}

/** This node or the owner has as many calls under way as it may; this one was not carried out. */
export class TunnelFull extends Error {
  override readonly name = "TunnelFull";
  readonly where: "here" | "owner";

  constructor(where: "here" | "owner") {
    super(`There are as many calls under way between nodes as there may be (${where})`);
    this.where = where;
  }
}

/** The request cannot be passed on as it is, by no node; it was not carried out. */
export class NotForwardable extends Error {
  override readonly name = "NotForwardable";
}

/** What ends a body that broke off, with a sentence and nothing of the call. */
export function brokenOff(reason: Reason): Error {
  return new Error(`The call between nodes has ended early: ${reasons[reason]}`);
}
