// The partitions of a topic, each with a bar for everybody who has some of it.

import { h, keyed, setAttr, setText } from "../dom.js";
import { live, nameOf } from "../live.js";
import { age, bytes, count, exact, many, rate } from "../format.js";
import { nodeLink, state, tag } from "../parts.js";
import { link } from "../router.js";
import { cell, table } from "../table.js";
import { coverage } from "./coverage.js";

/** Makes the section; update(answer, more) draws it, more() asks for more partitions. */
export function partitions(topic) {
  const number = h("small");
  const list = table(columns(topic), {
    caption: "Partitions", key: (p) => p.producer, empty: state("No partitions"), rowClass: (p) => (p.alive ? undefined : "ended"),
  });
  const further = h("button", { class: "button", type: "button", hidden: true });
  let ask = null;
  further.addEventListener("click", () => ask());
  const el = h("section", { class: "partitions" },
    h("h2", {}, "Partitions ", number), list.el, h("p", { class: "further" }, further));

  function update(answer, more) {
    const t = answer.topic;
    ask = more;
    setText(number, "one for each producer; the bars are what of it each node has, from its tail to its head");
    list.update(t.list ?? []);
    further.hidden = !answer.after;
    setText(further, `Show more than ${many(t.list?.length ?? 0, "partition")} of ${count(t.partitions)}`);
  }

  return { el, update };
}

function columns(topic) {
  return [
    { label: "Producer", class: "name", by: (p) => nameOf(p.producer), draw: cell((p) => producerCell(topic, p), (el, p) => el.update(p)) },
    { label: "Tail", class: "num p3", by: (p) => p.tail, value: (p) => exact(p.tail) },
    { label: "Head", class: "num p2", by: (p) => p.head, value: (p) => exact(p.head) },
    { label: "Records", class: "num", by: (p) => p.records, value: (p) => count(p.records) },
    { label: "Bytes", class: "num p3", by: (p) => p.bytes, value: (p) => bytes(p.bytes) },
    { label: "Rate", class: "num p2", by: (p) => p.rate, value: (p) => rate(p.rate) },
    { label: "Newest", class: "num p3", by: (p) => p.last ?? "", value: (p) => age(p.last, live.mesh?.time ?? new Date()) },
    { label: "Unacknowledged", class: "num p3", by: (p) => p.pending, value: (p) => count(p.pending) },
    { label: "Held by", class: "held", by: (p) => p.stores, draw: cell(() => holders(), (el, p) => el.update(p)) },
  ];
}

function producerCell(topic, p) {
  const gone = tag("producer gone");
  const name = h("span");
  const el = h("span", { class: "named" },
    h("a", { href: link(["topics", topic, "records"], { partition: p.producer }), "data-row": true, title: `Records of ${p.producer}` }, name), gone);
  el.update = (p) => {
    setText(name, nameOf(p.producer));
    gone.hidden = p.alive;
  };
  return el;
}

/** A line for each node that has records of a partition. */
function holders() {
  const list = h("ul", { class: "holders" });
  list.update = (p) => {
    const span = { tail: p.tail, head: p.head };
    keyed(list, sorted(p), (holder) => holder.node, (holder) => line(holder), (li, holder) => li.update(holder, span, p));
  };
  return list;
}

/** Its producer first, then stores by name. */
function sorted(p) {
  const title = (holder) => (holder.node === p.producer ? "" : nameOf(holder.node));
  return [...p.holders].sort((a, b) => title(a).localeCompare(title(b), "en", { numeric: true }));
}

function line(holder) {
  const role = holder.role || "other";
  const track = coverage(role);
  const number = h("span", { class: "num" });
  const li = h("li", {}, h("span", { class: "who" }, nodeLink(holder.node, nameOf(holder.node), role)), track.el, number);
  li.update = (holder, span, p) => {
    track.update(holder, span);
    const producer = holder.node === p.producer;
    const behind = p.head - holder.head;
    const parts = [];
    if (holder.conflicts) parts.push(`${count(holder.conflicts)} differ`);
    if (holder.missing) parts.push(`${count(holder.missing)} missing`);
    // What is on its way to the disk of a store is nothing to point out.
    if (behind > 2 * p.rate + 10 && !producer) parts.push(`${count(behind)} behind`);
    setText(number, parts.join(", ") || count(holder.records));
    setAttr(number, "title", producer ? "records in the producer’s window" : undefined);
    setAttr(number, "data-level", holder.conflicts ? "critical" : holder.missing ? "warning" : undefined);
  };
  return li;
}
