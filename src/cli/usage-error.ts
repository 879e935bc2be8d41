/** The command line, or a setting, cannot be used: a sentence for who wrote it. */
export class UsageError extends Error {}
