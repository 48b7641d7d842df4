// The list of records: a line each, one of which may be chosen to see all of it.

import { h, keyed, setAttr, setText } from "../dom.js";
import { nameOf } from "../live.js";
import { bytes, clock, exact } from "../format.js";
import { decode, preview } from "./bytes.js";

/** The key of a record: there is one with it in a topic, for ever. */
export function keyOf(r) {
  return `${r.partition}@${r.offset}`;
}

/** Makes the list; choose(record) is called when one is. */
export function recordList(choose) {
  const rows = h("ol", { class: "rows" });
  const el = h("div", { class: "panel list" },
    h("div", { class: "rec heads", "aria-hidden": "true" }, ["Time", "Producer", "Offset", "Key", "Value", "Size"].map((text) => h("span", { text }))), rows);
  let shown = [];
  let chosen = "";

  function update(records) {
    shown = records;
    keyed(rows, records, keyOf, row, (li, r) => {
      setText(li.by, nameOf(r.partition));
      setAttr(li.firstChild, "aria-current", keyOf(r) === chosen ? "true" : undefined);
    });
  }

  function row(r) {
    const key = decode(r.key);
    const value = decode(r.value);
    const pick = () => {
      mark(r);
      choose(r);
    };
    const by = h("span");
    const li = h("li", {}, h("button", { type: "button", class: "rec", "data-row": true, on: { click: pick } },
      h("span", { class: "mono when", text: clock(r.time) }),
      h("span", { class: "cut by" }, h("i", { class: `hue h${hue(r.partition)}` }), by),
      h("span", { class: "mono at", text: exact(r.offset) }),
      h("span", { class: `mono cut key${key ? "" : " faint"}`, text: key ? preview(key) : "–" }),
      h("span", { class: `mono cut value${value.text === null ? " bytes" : ""}`, text: r.unreadable ? "cannot be read" : preview(value) }),
      h("span", { class: "size", text: bytes(r.size) })));
    li.by = by;
    return li;
  }

  /** Marks the record whose details are shown; none for null. */
  function mark(r) {
    chosen = r ? keyOf(r) : "";
    update(shown);
  }

  return { el, update, mark, refresh: () => update(shown) };
}

const hues = new Map(); // of partitions, in the order in which they were met

/** One of eight colours, the same for a partition as long as the page is open. */
function hue(partition) {
  if (!hues.has(partition)) hues.set(partition, hues.size % 8);
  return hues.get(partition);
}
