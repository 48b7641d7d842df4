// Records a second: of nodes, of topics and of all, now and over the last minutes.

const LENGTH = 90; // values that are kept of each, about one a second

/** What each kind of node counts that says how fast it is. */
const COUNTED = { producer: "published", store: "committed", consumer: "delivered" };

export class Rates {
  constructor() {
    this.rings = new Map(); // "node/…", "topic/…", "all": the last values
    this.before = new Map(); // of a node: what it had counted, and when
  }

  /** Takes what the mesh is like now. */
  take(mesh) {
    const seen = new Set(["all"]);
    const now = new Date(mesh.time) / 1000;
    for (const n of mesh.nodes) this.add(`node/${n.address}`, this.ofNode(n, now), seen);
    let all = 0;
    for (const t of mesh.topics) {
      this.add(`topic/${t.name}`, t.rate, seen);
      if (!t.name.startsWith("_beck.")) all += t.rate;
    }
    this.add("all", all, seen);
    for (const key of this.rings.keys()) if (!seen.has(key)) this.rings.delete(key);
  }

  /** The rate of a node; undefined while it is not known. */
  ofNode(n, now) {
    const told = n.rates && (n.role === "producer" ? n.rates.records_out : n.rates.records_in);
    if (told !== undefined) return told;
    const counted = n.counts?.[COUNTED[n.role]];
    const before = this.before.get(n.address);
    if (counted === undefined) return undefined;
    this.before.set(n.address, { counted, now });
    if (before === undefined || counted < before.counted) return undefined; // it has started again
    return now > before.now ? (counted - before.counted) / (now - before.now) : this.now(`node/${n.address}`);
  }

  add(key, value, seen) {
    seen.add(key);
    const ring = this.rings.get(key) ?? [];
    if (value !== undefined) ring.push(value);
    if (ring.length > LENGTH) ring.shift();
    this.rings.set(key, ring);
  }

  /** The last values of a key, the newest last. */
  ring(key) {
    return this.rings.get(key) ?? [];
  }

  /** The newest value of a key; undefined if there is none. */
  now(key) {
    return this.ring(key).at(-1);
  }
}
