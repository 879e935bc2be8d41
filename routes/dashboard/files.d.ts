/** By their names; the imports in `files.js` have a form that the compiler takes for something else. */
export const files: Readonly<Record<string, string>>;
