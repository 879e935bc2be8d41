import { OwnAddresses } from "../../src/egress/own-addresses.ts";
import { parseEgressEntry, type EgressEntry } from "../../src/egress/entries.ts";
import { createEgressPolicy, type EgressPolicy } from "../../src/egress/policy.ts";

interface PolicyTexts {
  /** Comma-separated, as the settings are. */
  readonly allow?: string;
  readonly deny?: string;
  /** True unless told. */
  readonly isOpen?: boolean;
  readonly own?: OwnAddresses;
}

export function egressEntries(text: string): EgressEntry[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => {
      const parsed = parseEgressEntry(part.trim());
      if (!parsed.ok) throw new TypeError(parsed.detail);
      return parsed.entry;
    });
}

export function policyOf({
  allow = "",
  deny = "",
  isOpen = true,
  own = new OwnAddresses(),
}: PolicyTexts): EgressPolicy {
  return createEgressPolicy({ allow: egressEntries(allow), deny: egressEntries(deny), isOpen, own });
}

/** That of a server without access control. */
export const openPolicy: EgressPolicy = policyOf({});

/** That of a server with access control. */
export const publicPolicy: EgressPolicy = policyOf({ isOpen: false });
