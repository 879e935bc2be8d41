/** The style of the reference, for small and large screens, light and dark. Its digest stands in the page's policy. */
export const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --link: light-dark(#0550ae, #79b8ff); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
a { color: var(--link); }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin: 0; font-size: 1.05rem; }
h4 { margin: 1rem 0 0.3rem; }
code, pre { font: 0.85em/1.5 ui-monospace, monospace; background: var(--soft); border-radius: 4px; }
code { padding: 0.1em 0.3em; }
pre { padding: 0.6rem; overflow-x: auto; white-space: pre; overflow-wrap: normal; }
pre code { padding: 0; background: none; font-size: 1em; }
article { margin: 1.5rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; }
article:target { border-color: var(--link); }
dl { margin: 0; }
dt { margin-top: 0.5rem; }
dd { margin: 0 0 0 1rem; }
nav ul, .plain { list-style: none; padding: 0; }
summary { cursor: pointer; }
small { opacity: 0.8; }
`;
