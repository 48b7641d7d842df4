// Who came and who went while this page was open. The mesh itself forgets a node
// some seconds after its end, and an operator wants to know of it all the same.

const SHOWN = 60_000; // ms for which a node that is gone is still drawn
const MOST = 50; // changes that are kept

export class Changes {
  constructor() {
    this.list = []; // {at, what, node}, the newest first; what: came, went, back
    this.gone = new Map(); // address: {at, node}, of those that went
    this.nodes = null; // address: node, as they were
  }

  /** Takes what the mesh is like now. */
  take(mesh) {
    const nodes = new Map(mesh.nodes.filter((n) => (n.state ?? "up") !== "gone").map((n) => [n.address, n]));
    const at = mesh.time;
    if (this.nodes) {
      for (const [address, node] of this.nodes) if (!nodes.has(address)) this.went(at, node);
      for (const [address, node] of nodes) if (!this.nodes.has(address)) this.came(at, node);
    }
    this.nodes = nodes;
    for (const [address, g] of this.gone) if (new Date(at) - new Date(g.at) > SHOWN) this.gone.delete(address);
  }

  went(at, node) {
    this.gone.set(node.address, { at, node });
    this.note({ at, what: "went", node });
  }

  came(at, node) {
    this.note({ at, what: this.gone.delete(node.address) ? "back" : "came", node });
  }

  note(change) {
    this.list.unshift(change);
    this.list.length = Math.min(this.list.length, MOST);
  }
}
