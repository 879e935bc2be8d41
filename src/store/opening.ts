/** What may take long before a store is open. */
export type Opening =
  /** Another process has it: the one that is being replaced, most often. */
  | { readonly step: "waiting" }
  /** It was not closed, and every page of it is looked at. */
  | { readonly step: "checking" }
  /** It is brought from one version to another; `done` of `total` statements have run. */
  | {
      readonly step: "migrating";
      readonly from: number;
      readonly to: number;
      readonly done: number;
      readonly total: number;
    };

/** Hears of it as it goes on. */
export type OnOpening = (opening: Opening) => void;

export interface OpeningOptions {
  readonly onOpening?: OnOpening | undefined;
  /** Gives the opening up at once. What was not committed has not happened. */
  readonly signal?: AbortSignal | undefined;
}
