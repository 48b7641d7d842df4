// One node, or tower: what it says of itself, and whom it is linked to.

import { h, keyed, setText, show } from "../dom.js";
import { levelOf, live, nameOf, problemsOf, stateOf, watch } from "../live.js";
import { age, bytes, clock, count, percent, rate } from "../format.js";
import { bar, dot, figure, figures, loading, nodeLink, spark, state, tag } from "../parts.js";
import { cell, table } from "../table.js";

export const node = {
  name: "node",
  title: (address) => nameOf(address),
  mount(root, signal, address) {
    const view = body();
    show(root, loading("Asking for the node"));
    let was = null; // as it was last seen
    watch((live) => {
      if (!live.mesh) return;
      const tower = live.mesh.towers.find((t) => t.pub === address);
      const found = live.mesh.nodes.find((n) => n.address === address);
      was = found ?? was ?? live.changes.gone.get(address)?.node ?? null;
      if (!tower && !was) {
        show(root, state("No such node", "No tower names it. A node that has ended is forgotten after some seconds.", h("a", { class: "button", href: "#/nodes", text: "All nodes" })));
        return;
      }
      if (!view.el.isConnected) show(root, view.el);
      if (tower) view.tower(tower, live.mesh);
      else view.node(was, found ? stateOf(found, live.mesh) : "gone", live.mesh);
    }, signal);
  },
};

// What is worth a figure, of what nodes of each role count.
const FIGURES = {
  producer: [["Published", (c) => count(c.published)], ["Not stored yet", (c) => count(c.unstored)], ["Window", (c) => percent(c.window_bytes, c.window_size)], ["Links", links]],
  store: [["Records", (c) => count(c.records)], ["Partitions", (c) => count(c.partitions)], ["Missing", (c) => count(c.missing)], ["Links", links]],
  consumer: [["Delivered", (c) => count(c.delivered)], ["Waiting for the application", (c) => bytes(c.queued_bytes)], ["Ranges fetched", (c) => count(c.fetches)], ["Links", links]],
};

function links(c) {
  return `${count(c.dialled)} + ${count(c.accepted)}`;
}

function body() {
  const title = h("h1");
  const line = spark(88, 26);
  const perSecond = figure("Records a second", line.el);
  const more = [0, 1, 2, 3].map(() => figure(""));
  const sums = figures(perSecond, ...more);
  const wrong = h("ul", { class: "wrong" });
  const facts = h("dl", { class: "panel pairs" });
  const counts = h("dl", { class: "panel pairs counts" });
  const countsSection = h("section", {}, h("h2", {}, "Counted since its start"), counts);
  const peers = linkTable();
  const linksSection = h("section", {}, h("h2", {}, "Links"), peers.el);
  const el = h("div", {}, h("div", { class: "head" }, title), sums, wrong, h("div", { class: "columns" },
    h("div", {}, h("section", {}, h("h2", {}, "About"), facts), countsSection), linksSection));

  function head(role, name, now) {
    show(title, h("a", { class: "crumb", href: "#/nodes", text: "Nodes" }), h("span", { class: "crumb", text: " / " }), dot(role), name, " ", tag(now, levelOf(now)));
  }

  function pairs(list, entries) {
    keyed(list, entries.filter(([, v]) => v !== undefined && v !== "").flatMap(([what, v]) => [{ tag: "dt", key: `${what}?`, v: what }, { tag: "dd", key: what, v }]),
      (p) => p.key, (p) => h(p.tag), (item, p) => (p.v instanceof Node ? show(item, p.v) : setText(item, p.v)));
  }

  function tower(t, mesh) {
    head("tower", t.name || t.pub.replace("tcp://", ""), t.up ? "up" : "silent");
    sums.hidden = countsSection.hidden = linksSection.hidden = true;
    pairs(facts, [["role", "tower: it introduces nodes; no record passes through it"], ["name", t.name], ["takes beacons at", t.sub], ["sends them at", t.pub],
      ["started", t.started && `${clock(t.started, false)}, ${age(t.started, mesh.time)} ago`], ["version", t.version]]);
  }

  function drawNode(n, now, mesh) {
    const key = `node/${n.address}`;
    head(n.role || "other", n.name || n.address.slice(0, 8), now);
    perSecond.set(rate(now === "gone" ? 0 : live.rates.now(key)).replace("/s", ""), { producer: "published", store: "to disk", consumer: "delivered" }[n.role] ?? "");
    line.draw(live.rates.ring(key));
    FIGURES[n.role]?.forEach(([what, value], i) => more[i].name(what).set(n.counts ? value(n.counts) : "–"));
    for (const f of more) f.el.hidden = !FIGURES[n.role];
    const found = problemsOf("node", n.address);
    const text = found.map((p) => p.text).join("\n");
    if (wrong.dataset.is !== text) {
      wrong.dataset.is = text;
      show(wrong, found.map((p) => h("li", {}, tag(p.kind, p.level), " ", p.text)));
    }
    const r = n.rates ?? {};
    pairs(facts, [["role", n.role || "a node of another implementation"], ["name", n.name], ["address", h("code", { text: n.address })], ["dialled at", n.endpoint],
      ["also at", n.endpoints.filter((e) => e !== n.endpoint).join(", ")], ["started", n.started && `${clock(n.started, false)}, ${age(n.started, mesh.time)} ago`],
      ["version", n.version], ["saves positions as", n.saves_as], ["disk", n.disk && disk(n.disk)],
      ["receives", r.bytes_in !== undefined ? `${bytes(r.bytes_in)} a second` : undefined], ["sends", r.bytes_out !== undefined ? `${bytes(r.bytes_out)} a second` : undefined]]);
    countsSection.hidden = !n.counts;
    pairs(counts, Object.entries(n.counts ?? {}).map(([name, value]) => [name.replaceAll("_", " "), name.endsWith("bytes") || name === "window_size" ? bytes(value) : count(value)]));
    linksSection.hidden = !n.links;
    peers.update((n.links ?? []).filter((l) => mesh.nodes.some((other) => other.address === l.address))); // observers are none of the mesh
  }

  return { el, tower, node: drawNode };
}

function disk(d) {
  const used = d.size > 0 ? 1 - d.free / d.size : 0;
  return h("span", {}, `${bytes(d.used)} taken by the store; ${d.size > 0 ? `${bytes(d.free)} of ${bytes(d.size)} free (${percent(d.free, d.size)})` : "free space not known"}`,
    d.state === "well" ? null : tag(`disk ${d.state}`, "critical"), bar(used, d.state !== "well" ? "critical" : used > 0.9 ? "warning" : undefined));
}

function linkTable() {
  const role = (l) => live.mesh?.nodes.find((n) => n.address === l.address)?.role ?? "";
  return table([
    { label: "Node", class: "name", by: (l) => nameOf(l.address), draw: cell((l) => nodeLink(l.address, nameOf(l.address), role(l)), () => {}) },
    { label: "Role", by: role, value: (l) => role(l) || "–" },
    { label: "Dialled by", value: (l) => (l.dialled && l.accepted ? "both" : l.dialled ? "this node" : "the other") },
  ], { caption: "Links", key: (l) => l.address, first: 1, empty: state("No links", "It is linked to nobody.") });
}
