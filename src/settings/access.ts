import type { Setting } from "./setting.ts";

/** Who may call, and what may be called for them. */
export const accessSettings = {} satisfies Record<string, Setting<unknown>>;
