// A bar that shows which offsets of a partition a node has.

import { setAttr, svg } from "../dom.js";

const WIDTH = 1000; // of the drawing's own units: it is as wide as there is room

/** Makes the bar; update(holder, span) draws what of span's tail to head the holder has. */
export function coverage(role) {
  const has = svg("rect", { class: "has", y: 0, height: 8 });
  const holes = svg("g", { class: "holes" });
  const differs = svg("g", { class: "differs" });
  const el = svg("svg", { class: "coverage", "data-role": role, viewBox: `0 0 ${WIDTH} 8`, preserveAspectRatio: "none", role: "img" }, has, holes, differs);

  function update(holder, { tail, head }) {
    const whole = head - tail + 1;
    const at = (offset) => (WIDTH * Math.min(Math.max(offset - tail, 0), whole)) / whole;
    place(has, at(holder.tail), at(holder.head + 1));
    marks(holes, holder.holes, at);
    marks(differs, holder.differs, at);
    setAttr(el, "aria-label", `offsets ${holder.tail} to ${holder.head} of ${tail} to ${head}`);
  }

  return { el, update };
}

function marks(group, ranges = [], at) {
  group.replaceChildren(...ranges.map((r) => {
    const rect = svg("rect", { y: 0, height: 8 });
    place(rect, at(r.first), at(r.last + 1));
    return rect;
  }));
}

/** One record of a million is still to be seen. */
function place(rect, from, to) {
  const width = Math.max(to - from, 4);
  setAttr(rect, "x", Math.min(from, WIDTH - width).toFixed(1));
  setAttr(rect, "width", width.toFixed(1));
}
