import { logLevels, type Logger } from "../log.ts";
import type { ProgressBoard } from "./board.ts";
import { ProgressTeller } from "./teller.ts";
import type { TransientLine } from "./transient-line.ts";
import { loggingVoice, terminalVoice } from "./voices.ts";

/** Tells an operator of what takes long, on the line of a terminal or in the log; of nothing where the log's level has no room for it. */
export function tellProgress(
  board: ProgressBoard,
  logger: Logger,
  terminal: TransientLine | null,
): Disposable {
  if (logLevels.indexOf(logger.level) < logLevels.indexOf("info")) return { [Symbol.dispose]: () => {} };
  const voice = terminal === null ? loggingVoice(logger) : terminalVoice(terminal);
  return new ProgressTeller(board, voice, {
    now: () => performance.now(),
    every: (ms, call) => {
      const timer = setInterval(call, ms);
      // It is no reason for the process to live.
      timer.unref();
      return () => clearInterval(timer);
    },
  });
}
