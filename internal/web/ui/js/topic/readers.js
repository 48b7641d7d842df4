// The consumers that receive a topic now.

import { h, show } from "../dom.js";
import { nameOf } from "../live.js";
import { count, many } from "../format.js";
import { nodeLink, state, tag } from "../parts.js";
import { cell, table } from "../table.js";

/** Makes the section; update(topic) draws it. */
export function readers() {
  const list = table([
    { label: "Consumer", class: "name", by: (r) => nameOf(r.node), draw: cell((r) => nodeLink(r.node, nameOf(r.node), "consumer"), () => {}) },
    { label: "Partitions", class: "num", by: (r) => r.partitions, value: (r) => count(r.partitions) },
    { label: "Not received yet", class: "num", by: (r) => r.lag, value: (r) => count(r.lag) },
    { label: "Waits for", class: "p2", by: (r) => r.stalled, draw: cell(() => h("span"), (span, r) => show(span, r.stalled ? tag(`${many(r.stalled, "record")} that nobody serves`, "warning") : h("span", { class: "muted", text: "–" }))) },
  ], { caption: "Consumers", key: (r) => r.node, first: 2, down: true, empty: state("Nobody receives this topic now", "") });
  const el = h("section", { class: "readers" }, h("h2", {}, "Received now by"), list.el);
  return { el, update: (topic) => list.update(sum(topic.list ?? [])) };
}

/** Sums up what each consumer says of the partitions. */
function sum(partitions) {
  const all = new Map();
  for (const p of partitions) {
    for (const r of p.readers ?? []) {
      const s = all.get(r.node) ?? { node: r.node, partitions: 0, lag: 0, stalled: 0 };
      s.partitions++;
      s.lag += r.lag;
      for (const range of r.stalled ?? []) s.stalled += range.last - range.first + 1;
      all.set(r.node, s);
    }
  }
  return [...all.values()];
}
