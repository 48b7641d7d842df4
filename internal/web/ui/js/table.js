// A table whose rows stay where they are while what they say changes.

import { h, keyed, setAttr, setText, show } from "./dom.js";

/**
 * Makes a table. columns: {label, value(row), by(row), class, draw(td, row)}: value is
 * the text of a cell, draw fills one that is more than text, by is what is sorted by
 * (none: it cannot be). options: key(row), caption, first (the number of the column that
 * is sorted by at first) and down, empty (what stands in place of no rows), rowClass(row).
 */
export function table(columns, options) {
  const body = h("tbody");
  const empty = h("div", { hidden: true }, options.empty);
  let sort = options.first ?? 0;
  let down = options.down ?? false;
  let rows = [];

  const heads = columns.map((c, i) => {
    const th = h("th", { class: c.class, scope: "col" });
    if (!c.by) return show(th, h("span", { text: c.label }));
    const click = () => {
      // Numbers are wanted the largest first, names from A on.
      down = sort === i ? !down : c.class?.includes("num") ?? false;
      sort = i;
      update(rows);
    };
    return show(th, h("button", { type: "button", text: c.label, on: { click } }));
  });
  const head = h("thead", {}, h("tr", {}, heads));
  const el = h("div", { class: "panel scroll" }, h("table", {}, options.caption && h("caption", { class: "sr", text: options.caption }), head, body), empty);

  function make() {
    return h("tr", {}, columns.map((c) => h("td", { class: c.class })));
  }

  function draw(tr, row) {
    setAttr(tr, "class", options.rowClass?.(row));
    columns.forEach((c, i) => {
      if (c.draw) c.draw(tr.cells[i], row);
      else setText(tr.cells[i], c.value(row));
    });
  }

  // What is equal goes by what is in the first column.
  function tie(a, b) {
    const first = columns[0].by ?? options.key;
    return compare(first(a), first(b)) || compare(options.key(a), options.key(b));
  }

  /** Shows these rows. */
  function update(list) {
    rows = list;
    const by = columns[sort].by;
    const sorted = by ? [...list].sort((a, b) => compare(by(a), by(b)) * (down ? -1 : 1) || tie(a, b)) : list;
    heads.forEach((th, i) => columns[i].by && setAttr(th, "aria-sort", i !== sort ? "none" : down ? "descending" : "ascending"));
    keyed(body, sorted, options.key, make, draw);
    empty.hidden = list.length > 0;
    head.hidden = list.length === 0;
  }

  return { el, update };
}

function compare(a, b) {
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b, "en", { numeric: true });
  return (a ?? -1) < (b ?? -1) ? -1 : (a ?? -1) > (b ?? -1) ? 1 : 0;
}

/** Fills a cell once: make() is called for its first row, and update(what, row) always. */
export function cell(make, update) {
  const made = new WeakMap();
  return (td, row) => {
    let what = made.get(td);
    if (!what) {
      what = make(row);
      made.set(td, what);
      td.append(what.el ?? what);
    }
    update(what, row);
  };
}
