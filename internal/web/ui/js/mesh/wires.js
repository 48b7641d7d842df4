// The lines between the cards. Records that go straight from a producer to a consumer
// are drawn through one place in the middle, so that a hundred links are twenty lines;
// whom a node has to do with is seen when it is pointed at.

import { keyed, setAttr, svg } from "../dom.js";
import { live } from "../live.js";

/** Makes the drawing behind stage; update(mesh, shown) draws the links of the nodes shown. */
export function wires(stage, signal) {
  const lines = svg("g");
  const beads = svg("g");
  const el = svg("svg", { class: "wires", "aria-hidden": "true" }, lines, beads);
  let last = null;
  let pointed = "";

  function update(mesh, shown) {
    last = [mesh, shown];
    const box = stage.getBoundingClientRect();
    if (box.width === 0) return;
    setAttr(el, "viewBox", `0 0 ${box.width} ${box.height}`);
    el.style.width = `${box.width}px`;
    el.style.height = `${box.height}px`;
    const across = getComputedStyle(stage).getPropertyValue("--flow").trim() !== "down";
    const places = new Map();
    for (const place of stage.querySelectorAll("[data-place]")) {
      const r = place.getBoundingClientRect();
      places.set(place.dataset.place, { x: r.left - box.left, y: r.top - box.top, w: r.width, h: r.height });
    }
    const all = links(mesh, shown);
    keyed(lines, all, (l) => l.key, () => svg("path"), (path, l) => draw(path, l, places, across));
    keyed(beads, all.filter((l) => l.direct && l.rate > 0), (l) => l.key, () => svg("path"), (path, l) => drawBeads(path, l, places, across));
    light();
  }

  function draw(path, l, places, across) {
    const from = places.get(l.from);
    const to = places.get(l.to);
    setAttr(path, "d", from && to ? curve(from, to, l, across) : undefined);
    setAttr(path, "class", `wire ${l.kind}${l.rate > 0 ? " flows" : ""}`);
    setAttr(path, "stroke-width", width(l.rate));
    path.ends = l.ends;
  }

  function drawBeads(path, l, places, across) {
    draw(path, l, places, across);
    setAttr(path, "class", `bead ${l.kind}`);
    path.removeAttribute("stroke-width");
    // A new time would have them jump, so it is set in coarse steps.
    const time = Math.max(1, 3.5 - Math.round(Math.log10(1 + l.rate)) * 0.6).toFixed(1);
    if (path.style.getPropertyValue("--time") !== `${time}s`) path.style.setProperty("--time", `${time}s`);
  }

  // What is pointed at, or focused, and its links stand out.
  function light() {
    el.classList.toggle("lit", pointed !== "");
    const near = new Set([pointed]);
    for (const path of [...lines.children, ...beads.children]) {
      const on = path.ends?.has(pointed) ?? false;
      path.classList.toggle("on", on);
      if (on) for (const end of path.ends) near.add(end);
    }
    for (const place of stage.querySelectorAll(".card")) {
      place.classList.toggle("dim", pointed !== "" && !related(place.dataset.place));
    }
  }

  function related(address) {
    if (address === pointed) return true;
    const [mesh, shown] = last;
    return pairs(mesh, shown).some(([a, b]) => (a === pointed && b === address) || (b === pointed && a === address));
  }

  function point(event) {
    const card = event.target.closest?.(".card");
    const place = event.type === "pointerleave" || event.type === "focusout" ? "" : card?.dataset.place ?? "";
    if (place === pointed) return;
    pointed = place;
    if (last) light();
  }

  for (const type of ["pointerover", "pointerleave", "focusin", "focusout"]) stage.addEventListener(type, point, { signal });
  const resized = new ResizeObserver(() => last && update(...last));
  resized.observe(stage);
  signal.addEventListener("abort", () => resized.disconnect(), { once: true });
  return { el, update };
}

/**
 * Pairs of shown nodes that are linked, each pair once, the producer or store first. A
 * producer is linked to all consumers; those that want none of its topics are left out.
 */
function pairs(mesh, shown) {
  const topics = new Map(mesh.nodes.map((n) => [n.address, n.more_topics ? undefined : n.topics]));
  const rank = { producer: 0, store: 1, other: 2, consumer: 3 };
  const seen = new Map();
  for (const n of mesh.nodes) {
    if (!shown.has(n.address)) continue;
    for (const l of n.links ?? []) {
      if (!shown.has(l.address)) continue;
      const [a, b] = [n.address, l.address].sort((a, b) => rank[shown.get(a)] - rank[shown.get(b)] || a.localeCompare(b));
      if (shown.get(a) === "producer" && shown.get(b) === "consumer" && !meet(topics.get(a), topics.get(b))) continue;
      seen.set(`${a} ${b}`, [a, b]);
    }
  }
  return [...seen.values()];
}

/** Whether two lists of topics have one in common, as far as it is known. */
function meet(written, read) {
  return !written?.length || !read?.length || written.some((t) => read.includes(t));
}

/** The lines to draw: {key, kind, direct, from, to, rate, ends: the nodes that light it up}. */
function links(mesh, shown) {
  const list = [];
  const direct = new Map(); // node: those that it is linked to straight
  const join = (a, b) => direct.set(a, (direct.get(a) ?? new Set([a])).add(b));
  for (const [a, b] of pairs(mesh, shown)) {
    const kinds = `${shown.get(a)}-${shown.get(b)}`;
    if (kinds === "producer-consumer") {
      join(a, b);
      join(b, a);
    } else {
      const moved = kinds === "store-store" ? 0 : rateOf(shown.get(a) === "producer" ? a : b);
      list.push({ key: `${a} ${b}`, kind: kinds, from: a, to: b, rate: moved, ends: new Set([a, b]) });
    }
  }
  for (const [a, ends] of direct) {
    const out = shown.get(a) === "producer";
    list.push({ key: `${a} direct`, kind: out ? "producer-direct" : "direct-consumer", direct: true, from: out ? a : "direct", to: out ? "direct" : a, rate: rateOf(a), ends });
  }
  return list;
}

function rateOf(address) {
  return live.rates.now(`node/${address}`) ?? 0;
}

/** Thicker by the same for each ten times as many records. */
function width(perSecond) {
  return perSecond > 0 ? (1 + 0.55 * Math.log10(1 + perSecond)).toFixed(2) : 1;
}

/** The curve from one card to the other, across the picture or down it. */
function curve(from, to, l, across) {
  if (l.kind === "store-store") return between(from, to, across);
  const a = across ? [from.x + from.w, from.y + from.h / 2] : [from.x + from.w / 2, from.y + from.h];
  const b = across ? [to.x, to.y + to.h / 2] : [to.x + to.w / 2, to.y];
  const half = (i) => (a[i] + b[i]) / 2;
  const [c, d] = across ? [[half(0), a[1]], [half(0), b[1]]] : [[a[0], half(1)], [b[0], half(1)]];
  return `M${point(a)}C${point(c)} ${point(d)} ${point(b)}`;
}

/** Stores stand in a row or a column: what is between two of them bends around those between. */
function between(from, to, across) {
  const [a, b] = across ? [[from.x + from.w, from.y + from.h / 2], [to.x + to.w, to.y + to.h / 2]] : [[from.x + from.w / 2, from.y + from.h], [to.x + to.w / 2, to.y + to.h]];
  const out = 10 + 0.09 * Math.hypot(a[0] - b[0], a[1] - b[1]);
  const [c, d] = across ? [[a[0] + out, a[1]], [b[0] + out, b[1]]] : [[a[0], a[1] + out], [b[0], b[1] + out]];
  return `M${point(a)}C${point(c)} ${point(d)} ${point(b)}`;
}

function point([x, y]) {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}
