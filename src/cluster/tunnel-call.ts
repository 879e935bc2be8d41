import {
  encodeAbort,
  encodeCredit,
  encodeEnd,
  encodePiece,
  type Frame,
  type Reason,
} from "./tunnel-frame.ts";
import { OutFlow, type InFlow } from "./tunnel-flow.ts";
import { Receiver } from "./tunnel-receiver.ts";
import type { Room } from "./tunnel-room.ts";
import { Sender } from "./tunnel-sender.ts";
import type { Source } from "./tunnel-source.ts";

/** The other end of a call: a node's inbox, and its number of the call there. */
export interface Far {
  readonly inbox: string;
  readonly id: number;
}

/** What calls need of the node that they are on. */
export interface Exchange {
  readonly inbox: string;
  readonly room: Room;
  /** Most bytes of a body in one message. */
  readonly pieceBytes: number;
  send(far: Far, frame: Uint8Array): void;
  /** To the owner of a subject, whose inbox is not known; where there is none, the call is told. */
  sendOpening(subject: string, frame: Uint8Array, call: Call): void;
  /** From now on the call is listed when that node is pinged, and ends when that is not heard of. */
  attach(call: Call, far: Far): void;
  /** The call is over, and whatever still comes for it is nobody's. */
  release(call: Call): void;
  noteMalformed(): void;
}

/** One HTTP call at one of its two ends. */
export abstract class Call {
  /** Ours. */
  readonly id: number;
  protected readonly exchange: Exchange;
  protected readonly out = new OutFlow();
  protected far: Far | null = null;
  protected sender: Sender | null = null;
  protected receiver: Receiver | null = null;
  #in: InFlow | null;
  #isOver = false;

  constructor(exchange: Exchange, id: number, inFlow: InFlow | null) {
    this.exchange = exchange;
    this.id = id;
    this.#in = inFlow;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing of it goes on, and nobody is told. */
  protected abstract ended(reason: Reason | null): void;
  protected abstract receiveOther(frame: Frame): void;
  /** Called once a second or so with the monotonic time, and whether we have not been running for a while. */
  abstract tick(now: number, isLate: boolean): void;
  /** Nobody is where the opening went. */
  abstract noResponders(): void;

  /** What the other end should know of this call by now: its number there, and how much has been sent. */
  get listed(): { readonly id: number; readonly seq: number } {
    return { id: this.far?.id ?? 0, seq: this.out.seq };
  }

  /** Whether something that was sent has not come. */
  isBehind(seq: number): boolean {
    return this.#in?.isBehind(seq) ?? false;
  }

  receive(frame: Frame): void {
    const flow = this.#in;
    if (flow === null) return;
    if (!flow.accept(frame.seq)) return this.fail("lost");
    if (frame.kind === "abort") return this.aborted(frame.reason);
    if (frame.kind === "credit") {
      if (!this.out.grant(frame.credit)) return this.malformed();
      return this.sender?.wake();
    }
    if (frame.kind !== "piece" && frame.kind !== "end") return this.receiveOther(frame);
    if (this.receiver === null) return this.malformed();
    if (frame.kind === "end") return this.receivedAll();
    if (!this.receiveBytes(frame.piece)) this.malformed();
  }

  /** Ends the call here, and there. */
  fail(reason: Reason): void {
    if (this.#isOver) return;
    if (this.far !== null) this.exchange.send(this.far, encodeAbort(this.far.id, this.out.next(), reason));
    this.finish(reason);
  }

  /** Ends the call here; `null` when it has come to its proper end. */
  finish(reason: Reason | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.exchange.release(this);
    this.sender?.stop(reason);
    this.ended(reason);
  }

  protected aborted(reason: Reason): void {
    this.finish(reason);
  }

  /** What comes is bounded from here on. */
  protected setIncoming(flow: InFlow): void {
    this.#in = flow;
  }

  /** False where it is more than there may be. */
  protected receiveBytes(bytes: Uint8Array): boolean {
    if (bytes.length === 0) return true;
    if (!(this.#in?.receive(bytes.length) ?? false)) return false;
    this.receiver?.push(bytes);
    return true;
  }

  /** The other end's body is complete. */
  protected receivedAll(): void {
    if (this.receiver?.end() === false) this.fail("broken");
  }

  protected receiveBody(announced: number | null, closed: () => void, cancelled: () => void): Receiver {
    this.receiver = new Receiver({
      announced,
      closed,
      cancelled,
      taken: (bytes) => {
        const credit = this.#in?.take(bytes) ?? 0;
        if (credit > 0 && this.far !== null && !this.#isOver)
          this.exchange.send(this.far, encodeCredit(this.far.id, this.out.next(), credit));
      },
    });
    return this.receiver;
  }

  protected sendBody(source: Source, announced: number | null, sent: number, onEnd: () => void): void {
    const send = (encode: (id: number, seq: number) => Uint8Array) => {
      if (this.far !== null && !this.#isOver)
        this.exchange.send(this.far, encode(this.far.id, this.out.next()));
    };
    this.sender = new Sender({
      ...{ source, announced, sent, flow: this.out, mostBytes: this.exchange.pieceBytes },
      piece: (bytes) => send((id, seq) => encodePiece(id, seq, bytes)),
      end: () => {
        send(encodeEnd);
        onEnd();
      },
      broken: () => this.fail("broken"),
    });
  }

  protected malformed(): void {
    this.exchange.noteMalformed();
    this.fail("refused");
  }
}
