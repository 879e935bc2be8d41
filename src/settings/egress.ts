import { z } from "zod";
import { parseEgressEntry, type EgressEntry } from "../egress/entries.ts";
import { commaSeparated } from "./forms.ts";
import { setting, type Setting } from "./setting.ts";

const egressList = z.string().transform((text, context): readonly EgressEntry[] => {
  const parsed = commaSeparated(text).map(parseEgressEntry);
  for (const each of parsed) if (!each.ok) context.addIssue({ code: "custom", message: each.detail });
  return parsed.flatMap((each) => (each.ok ? [each.entry] : []));
});

/** What may be connected to. */
export const egressSettings = {
  EGRESS_ALLOW: setting<readonly EgressEntry[]>(
    egressList,
    [],
    "Destinations that may be connected to besides those of the default, comma-separated: see [Which destinations are allowed](#which-destinations-are-allowed).",
    "none",
  ),
  EGRESS_DENY: setting<readonly EgressEntry[]>(
    egressList,
    [],
    "Destinations that may not be connected to, whatever is allowed, in the same form.",
    "none",
  ),
} satisfies Record<string, Setting<unknown>>;
