// All topics, with what filters them.

import { h, setText, show } from "../dom.js";
import { live, problemsOf, watch } from "../live.js";
import { age, bytes, count, many, rate } from "../format.js";
import { loading, spark, state, tag } from "../parts.js";
import { get } from "../api.js";
import { link, note } from "../router.js";
import { cell, table } from "../table.js";
import { names } from "../topic/names.js";

export const topics = {
  name: "topics",
  title: () => "Topics",
  mount(root, signal, params) {
    const filter = h("input", { type: "search", placeholder: "Filter", "aria-label": "Filter topics by name", "data-filter": true, value: params.get("filter") ?? "" });
    const own = h("input", { type: "checkbox" });
    const total = h("span", { class: "muted" });
    const list = topicTable();
    const waiting = loading("Asking for the topics");
    show(root,
      h("div", { class: "head" }, h("h1", { text: "Topics" }), total,
        h("div", { class: "right" }, h("label", { class: "field" }, own, "beck’s own"), filter)),
      waiting);
    const saved = names();

    let extra = []; // beck's own, which events do not have
    function draw() {
      if (!live.mesh) return;
      if (waiting.isConnected) waiting.replaceWith(list.el, saved.el);
      saved.update(live.mesh);
      const all = own.checked ? [...live.mesh.topics, ...extra] : live.mesh.topics;
      const text = filter.value.toLowerCase();
      const shown = all.filter((t) => t.name.toLowerCase().includes(text));
      list.update(shown);
      const left = live.mesh.left_out?.topics ?? 0;
      setText(total, `${text ? `${count(shown.length)} of ` : ""}${many(all.length + left, "topic")}${left ? `; the first ${count(all.length)} are here` : ""}`);
    }
    filter.addEventListener("input", () => {
      note(link(["topics"], { filter: filter.value }));
      draw();
    });
    own.addEventListener("change", async () => {
      if (own.checked) {
        const answer = await get("topics", { all: true, after: "_beck", limit: 100 }, signal).catch(() => ({ topics: [] }));
        extra = answer.topics.filter((t) => t.name.startsWith("_beck."));
      }
      draw();
    });
    watch(draw, signal);
  },
};

function topicTable() {
  return table([
    { label: "Topic", class: "name", by: (t) => t.name, draw: cell(nameCell, (el, t) => el.update(t)) },
    { label: "Partitions", class: "num p2", by: (t) => t.partitions, value: (t) => (t.alive === t.partitions ? count(t.partitions) : `${count(t.alive)} of ${count(t.partitions)} written`) },
    { label: "Records", class: "num", by: (t) => t.records, value: (t) => count(t.records) },
    { label: "Bytes", class: "num p2", by: (t) => t.bytes, value: (t) => bytes(t.bytes) },
    { label: "Rate", class: "num", by: (t) => t.rate, value: (t) => rate(t.rate) },
    { label: "", class: "p3 line", draw: cell(() => spark(96, 20), (s, t) => s.draw(live.rates.ring(`topic/${t.name}`))) },
    { label: "Newest", class: "num p2", by: (t) => t.last ?? "", value: (t) => age(t.last, live.mesh.time) },
  ], {
    caption: "Topics", key: (t) => t.name,
    empty: state("No topics", "There is one as soon as somebody publishes to it:", h("code", { text: "echo hi | beck produce hello" })),
  });
}

function nameCell(t) {
  const a = h("a", { href: link(["topics", t.name]), "data-row": true, text: t.name });
  const tags = h("span", { class: "tags" });
  const el = h("span", { class: "named" }, a, tags);
  el.update = (t) => {
    const found = problemsOf("topic", t.name);
    const text = found.map((p) => p.kind).join(" ");
    if (tags.dataset.is === text) return;
    tags.dataset.is = text;
    show(tags, found.map((p) => tag(p.kind, p.level)));
  };
  return el;
}
