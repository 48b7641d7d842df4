// The picture of the mesh: producers at one side, consumers at the other, stores
// between them, and towers above, which no record passes through.

import { h, keyed, setText } from "../dom.js";
import { live, stateOf } from "../live.js";
import { count, rate } from "../format.js";
import { link } from "../router.js";
import { nodeCard, storeCard, towerCard } from "./cards.js";
import { wires } from "./wires.js";

const MOST = { producer: 12, consumer: 12, store: 6, tower: 6, other: 6 }; // cards of each kind

const KINDS = [
  ["producer", "Producers", nodeCard],
  ["tower", "Towers", towerCard],
  ["store", "Stores", storeCard],
  ["other", "Other nodes", nodeCard],
  ["consumer", "Consumers", nodeCard],
];

/** Makes the picture; update(mesh) draws it. */
export function picture(signal) {
  const groups = Object.fromEntries(KINDS.map(([kind, label, card]) => [kind, group(kind, label, card)]));
  const direct = h("div", { class: "direct", "data-place": "direct" }, h("b"), h("span", { text: "straight from producers to consumers" }));
  const middle = h("div", { class: "middle" }, groups.tower.el, direct, groups.store.el, groups.other.el);
  const stage = h("div", { class: "stage" }, groups.producer.el, middle, groups.consumer.el);
  const drawing = wires(stage, signal);
  const el = h("figure", { class: "picture panel", "aria-label": "Picture of the mesh" }, drawing.el, stage,
    h("figcaption", {}, "Point at a node to see its links. A line is as thick as the node at its one end is fast; a dotted one is a link on which that node moves nothing now."));

  function update(mesh) {
    const shown = new Map(); // address: kind, of the nodes that have a card
    for (const [kind] of KINDS) {
      const all = members(mesh, kind);
      const list = chosen(all, MOST[kind]);
      for (const m of list) shown.set(m.address, kind);
      groups[kind].update(list, all.length, mesh);
    }
    const flowing = live.rates.now("all");
    setText(direct.firstChild, flowing ? rate(flowing) : "direct");
    drawing.update(mesh, shown);
  }

  return { el, update };
}

/** What is drawn of a kind: nodes, and those that went a short while ago. */
function members(mesh, kind) {
  if (kind === "tower") return mesh.towers.map((t) => ({ address: t.pub, kind, tower: t, state: t.up ? "up" : "silent" }));
  const is = (n) => (kind === "other" ? !["producer", "consumer", "store"].includes(n.role) : n.role === kind);
  const here = mesh.nodes.filter(is).map((node) => ({ address: node.address, kind, node, state: stateOf(node, mesh) }));
  const known = new Set(here.map((m) => m.address));
  const went = [...live.changes.gone.values()].filter((g) => is(g.node) && !known.has(g.node.address));
  return [...here, ...went.map((g) => ({ address: g.node.address, kind, node: g.node, state: "gone" }))];
}

/** The fastest, and of those that are in trouble all that there is room for; by name. */
function chosen(all, most) {
  const title = (m) => m.node?.name || m.address;
  const weight = (m) => (m.state === "up" ? live.rates.now(`node/${m.address}`) ?? 0 : Infinity);
  const list = all.length > most ? [...all].sort((a, b) => weight(b) - weight(a)).slice(0, most) : [...all];
  return list.sort((a, b) => title(a).localeCompare(title(b), "en", { numeric: true }));
}

/** The cards of a kind, with how many there are above them. */
function group(kind, label, card) {
  const number = h("b");
  const list = h("ul");
  const more = h("a", { class: "more plain", hidden: true, href: link(["nodes"], { role: kind === "other" ? "" : kind }) });
  const el = h("div", { class: `group ${kind}`, role: "group", "aria-label": label }, h("h2", {}, label, " ", number), list, more);

  function update(shown, all, mesh) {
    setText(number, count(all));
    el.hidden = all === 0 && kind !== "producer" && kind !== "consumer" && kind !== "store";
    el.classList.toggle("none", all === 0);
    keyed(list, shown, (m) => m.address, (m) => made(card(m)), (li, m) => li.update(m, mesh));
    more.hidden = all <= shown.length;
    setText(more, `and ${count(all - shown.length)} more`);
  }

  return { el, update };
}

function made(c) {
  c.el.update = c.update;
  return c.el;
}
