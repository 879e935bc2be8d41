/** The store cannot be opened, because another process has it: most often, a server that is running. */
export class StoreInUse extends Error {}
