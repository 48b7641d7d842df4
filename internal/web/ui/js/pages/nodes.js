// All towers and nodes.

import { h, setAttr, setText, show } from "../dom.js";
import { levelOf, live, stateOf, watch } from "../live.js";
import { age, bytes, count, many, percent, rate } from "../format.js";
import { dot, loading, spark, state, tag } from "../parts.js";
import { link, note } from "../router.js";
import { cell, table } from "../table.js";

const ROLES = [["", "All"], ["tower", "Towers"], ["producer", "Producers"], ["store", "Stores"], ["consumer", "Consumers"]];

const ORDER = ["tower", "producer", "store", "consumer", "other"]; // as records go

export const nodes = {
  name: "nodes",
  title: () => "Nodes",
  mount(root, signal, params) {
    let role = params.get("role") ?? "";
    const filter = h("input", { type: "search", placeholder: "Filter", "aria-label": "Filter nodes by name, address or endpoint", "data-filter": true, value: params.get("filter") ?? "" });
    const buttons = ROLES.map(([value, label]) => h("button", { type: "button", "aria-pressed": value === role, text: label, on: { click: () => pick(value) } }));
    const total = h("span", { class: "muted" });
    const list = nodeTable();
    const waiting = loading("Asking for the nodes");
    show(root,
      h("div", { class: "head" }, h("h1", { text: "Nodes" }), total,
        h("div", { class: "right" }, h("div", { class: "segments", role: "group", "aria-label": "Role" }, buttons), filter)),
      waiting);

    function pick(value) {
      role = value;
      ROLES.forEach(([value], i) => setAttr(buttons[i], "aria-pressed", value === role ? "true" : "false"));
      remember();
      draw();
    }

    function remember() {
      note(link(["nodes"], { role, filter: filter.value }));
    }

    function draw() {
      if (!live.mesh) return;
      if (waiting.isConnected) waiting.replaceWith(list.el);
      const all = rows(live.mesh);
      const text = filter.value.toLowerCase();
      const shown = all.filter((r) => (!role || r.role === role) && `${r.title} ${r.address} ${r.endpoint}`.toLowerCase().includes(text));
      list.update(shown);
      const left = live.mesh.left_out?.nodes ?? 0;
      setText(total, `${shown.length < all.length ? `${count(shown.length)} of ` : ""}${many(all.length + left, "node")}${left ? `; ${count(left)} are not shown here` : ""}`);
    }
    filter.addEventListener("input", () => {
      remember();
      draw();
    });
    watch(draw, signal);
  },
};

/** Towers, nodes, and nodes that went a short while ago, as rows. */
function rows(mesh) {
  const list = mesh.towers.map((t) => ({
    role: "tower", address: t.pub, title: t.name || t.pub, endpoint: t.pub, state: t.up ? "up" : "silent", started: t.started, version: t.version,
  }));
  const known = new Set(mesh.nodes.map((n) => n.address));
  for (const n of mesh.nodes) list.push(row(n, stateOf(n, mesh), known));
  for (const { node } of live.changes.gone.values()) if (!known.has(node.address)) list.push(row(node, "gone", known));
  return list;
}

function row(n, state, known) {
  return {
    role: n.role || "other", address: n.address, title: n.name || n.address.slice(0, 8), endpoint: n.endpoint, state,
    started: n.started, links: n.links?.filter((l) => known.has(l.address)).length, // observers are none of the mesh
    version: n.version, disk: n.disk,
  };
}

function nodeTable() {
  return table([
    { label: "Node", class: "name", by: (r) => r.title, draw: cell(nameCell, (el, r) => el.update(r)) },
    { label: "Role", class: "p2", by: (r) => ORDER.indexOf(r.role), value: (r) => r.role },
    { label: "State", by: (r) => r.state, draw: cell(() => h("span"), stateCell) },
    { label: "Address", class: "p3 mono", by: (r) => r.address, value: (r) => (r.role === "tower" ? "–" : r.address.slice(0, 8)) },
    { label: "Endpoint", class: "p3 mono", by: (r) => r.endpoint, value: (r) => r.endpoint.replace("tcp://", "") },
    { label: "Rate", class: "num", by: (r) => live.rates.now(`node/${r.address}`), value: (r) => (r.state === "up" ? rate(live.rates.now(`node/${r.address}`)) : "–") },
    { label: "", class: "p3 line", draw: cell(() => spark(96, 20), (s, r) => s.draw(live.rates.ring(`node/${r.address}`))) },
    { label: "Links", class: "num p2", by: (r) => r.links, value: (r) => count(r.links) },
    { label: "Disk free", class: "num p2", by: (r) => (r.disk?.size ? r.disk.free / r.disk.size : 2), value: (r) => (r.disk?.size ? `${percent(r.disk.free, r.disk.size)} of ${bytes(r.disk.size)}` : "–") },
    { label: "Up for", class: "num p2", by: (r) => r.started ?? "", value: (r) => age(r.started, live.mesh.time) },
    { label: "Version", class: "p3", by: (r) => r.version ?? "", value: (r) => r.version || "–" },
  ], {
    caption: "Towers and nodes", key: (r) => r.address, first: 1, rowClass: (r) => (r.state === "gone" ? "gone" : undefined),
    empty: state("No such node", "None matches what is asked for."),
  });
}

function nameCell(r) {
  const name = h("span");
  const el = h("span", { class: "named" }, h("a", { href: link(["nodes", r.address]), "data-row": true, title: r.address }, dot(r.role), name));
  el.update = (r) => setText(name, r.title);
  return el;
}

function stateCell(span, r) {
  if (span.dataset.is === r.state) return;
  span.dataset.is = r.state;
  show(span, tag(r.state, levelOf(r.state)));
}
