/** @jsxImportSource hono/jsx */

/** The nodes that share the connections; there where the server is one of several, for who runs it. */
export const ClusterSection = () => (
  <section id="cluster" aria-labelledby="cluster-title" hidden>
    <div class="bar">
      <h2 id="cluster-title">Nodes</h2>
      <span id="cluster-moves" class="quiet"></span>
    </div>
    <p id="cluster-trouble" class="warning" role="status"></p>
    <ul id="nodes" aria-label="Nodes"></ul>
  </section>
);
