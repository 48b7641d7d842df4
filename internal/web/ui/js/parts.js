// Small parts that several pages are made of.

import { h, svg, setAttr, setText } from "./dom.js";
import { link } from "./router.js";
import { short } from "./format.js";

/** What stands where there is nothing to show: why, and what to do. */
export function state(title, text, ...more) {
  return h("div", { class: "state" }, h("h2", { text: title }), text && h("p", { text }), more);
}

/** What stands where something is still to come. */
export function loading(what) {
  return h("div", { class: "state loading", role: "status" }, h("p", { text: what }));
}

/** What stands where something could not be had. */
export function failed(err, again) {
  return state("That did not work", err.message,
    again && h("button", { class: "button", type: "button", text: "Try again", on: { click: again } }));
}

/** A small word with a colour. */
export function tag(text, level) {
  return h("span", { class: "tag", "data-level": level, text });
}

/** A dot in the colour of a role. */
export function dot(role) {
  return h("span", { class: "dot", "data-role": role || "other", "aria-hidden": "true" });
}

/** A link to a node, by its name or the beginning of its address. */
export function nodeLink(address, name, role) {
  return h("a", { class: "plain cut", href: link(["nodes", address]), title: address }, role !== undefined && dot(role), name || short(address));
}

/** A figure with what it is of; set(text, small, level) and name(what) change it. */
export function figure(what, more) {
  const value = h("span");
  const small = h("small");
  const term = h("dt", { text: what });
  const el = h("div", { class: more ? "graph" : undefined }, term, h("dd", {}, value, " ", small), more);
  return {
    el,
    name(text) {
      setText(term, text);
      return this;
    },
    set(text, unit = "", level) {
      setText(value, text);
      setText(small, unit);
      setAttr(el, "data-level", level);
    },
  };
}

/** A row of figures. */
export function figures(...list) {
  return h("dl", { class: "figures" }, list.map((f) => f.el));
}

/** A line of the last values; draw(values) draws it. Its lowest value is 0. */
export function spark(width = 84, height = 20) {
  const line = svg("path");
  const area = svg("path", { class: "area" });
  const el = svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" }, area, line);
  return {
    el,
    draw(values) {
      const top = Math.max(...values, 1e-9);
      const step = width / Math.max(values.length - 1, 29); // it grows from the right until it is full
      const from = width - step * (values.length - 1);
      const points = values.map((v, i) => `${(from + i * step).toFixed(1)},${(height - 1 - (v / top) * (height - 3)).toFixed(1)}`);
      const d = points.length > 1 ? `M${points.join("L")}` : "";
      setAttr(line, "d", d);
      setAttr(area, "d", d && `${d}L${width},${height}L${from.toFixed(1)},${height}Z`);
    },
  };
}

/** A bar of how much of something is used. */
export function bar(part, level) {
  const el = h("span", { class: "bar", "data-level": level });
  const fill = h("i");
  fill.style.width = `${Math.min(100, Math.max(0, 100 * part)).toFixed(1)}%`;
  el.append(fill);
  return el;
}
