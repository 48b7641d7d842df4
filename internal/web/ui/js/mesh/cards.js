// The cards of the picture, one for each node.

import { h, setAttr, setText } from "../dom.js";
import { live, problemsOf } from "../live.js";
import { age, bytes, count, percent, rate } from "../format.js";
import { bar, dot, spark } from "../parts.js";
import { link } from "../router.js";

/** What all cards have: a link to the node, its name, its state. */
function card(m, ...rest) {
  const name = h("b", { class: "cut" });
  const right = h("span", { class: "rate" });
  const a = h("a", { href: link(["nodes", m.address]), "data-row": true }, h("span", { class: "line" }, dot(m.kind), name, right), rest);
  const el = h("li", { class: "card", "data-place": m.address }, a);

  function update(now, title, said) {
    setText(name, title);
    setText(right, now.state === "up" ? said : now.state);
    setAttr(el, "data-state", now.state === "up" ? undefined : now.state);
    setAttr(el, "data-level", problemsOf("node", m.address)[0]?.level);
    setAttr(a, "title", m.address);
  }

  return { el, update };
}

/** A producer, a consumer, or a node that does not say what it is. */
export function nodeCard(m) {
  const line = spark(54, 15);
  const what = h("span", { class: "what cut" });
  const base = card(m, h("span", { class: "line" }, what, line.el));

  function update(now) {
    const key = `node/${m.address}`;
    base.update(now, now.node.name || m.address.slice(0, 8), rate(live.rates.now(key)));
    setText(what, about(now.node));
    line.draw(live.rates.ring(key));
  }

  return { el: base.el, update };
}

/** What a node is busy with, as far as that is known. */
function about(node) {
  if (node.topics?.length) return node.topics.join(", ");
  if (node.saves_as) return `saves as ${node.saves_as}`;
  return node.name ? node.address.slice(0, 8) : node.endpoint?.replace("tcp://", "") ?? "";
}

/** A store, with what it keeps and how its disk is. */
export function storeCard(m) {
  const line = spark(110, 24);
  const kept = h("span", { class: "what cut" });
  const disk = h("span", { class: "disk" });
  const base = card(m, h("span", { class: "line" }, kept, line.el), disk);

  function update(now) {
    const key = `node/${m.address}`;
    const { counts: c, disk: d } = now.node;
    base.update(now, now.node.name || m.address.slice(0, 8), rate(live.rates.now(key)));
    setText(kept, c ? `${count(c.records)} records in ${count(c.partitions)} partitions` : "");
    line.draw(live.rates.ring(key));
    drawDisk(disk, d);
  }

  return { el: base.el, update };
}

function drawDisk(el, d) {
  if (!d) {
    el.replaceChildren();
    return;
  }
  const used = d.size > 0 ? 1 - d.free / d.size : 0;
  const level = d.state !== "well" || used > 0.95 ? "critical" : used > 0.9 ? "warning" : undefined;
  const text = d.size > 0 ? `${bytes(d.used)} here, ${percent(d.free, d.size)} of the disk free` : `${bytes(d.used)} here`;
  el.replaceChildren(bar(used, level), h("span", { class: "cut", text: d.state === "well" ? text : `disk ${d.state}` }));
}

/** A tower. */
export function towerCard(m) {
  const since = h("span", { class: "what cut" });
  const base = card(m, h("span", { class: "line" }, since));
  return {
    el: base.el,
    update(now, mesh) {
      const t = now.tower;
      base.update(now, t.name || t.pub.replace("tcp://", ""), "");
      setText(since, t.started ? `up for ${age(t.started, mesh.time)}` : "introduces nodes");
    },
  };
}
