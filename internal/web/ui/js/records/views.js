// The ways to show a value: as JSON laid out, as text, as a hex dump.

import { h } from "../dom.js";
import { hex, binary } from "./bytes.js";
import { dump } from "./hex.js";
import { isJSON, layout } from "./json.js";

const LONGEST = 200_000; // characters of a text, bytes of a dump: more would make the page slow
const NARROW = "(max-width: 760px)"; // there are eight bytes on a line

/** The views that a value has, the one that suits it best first. */
export function viewsOf(value) {
  if (value.text === null) return ["Hex"];
  if (value.bytes.length === 0) return ["Text"];
  if (isJSON(value.text)) return ["JSON", "Text", "Hex"];
  return binary(value.text) ? ["Hex", "Text"] : ["Text", "Hex"];
}

/** A value in a view. */
export function view(name, value) {
  switch (name) {
    case "JSON": return json(value.text) ?? text(value.text);
    case "Hex": return hexDump(value.bytes);
  }
  return text(value.text);
}

/** Bytes on one line. */
view.hexLine = (data) => Array.from(data.bytes.slice(0, 256), hex).join(" ") + (data.size > 256 ? " …" : "");

function json(source) {
  const pieces = layout(source);
  if (!pieces) return null;
  return h("pre", { class: "json" }, pieces.map((p) => (p.kind ? h("span", { class: p.kind, text: p.text }) : p.text)));
}

function text(source) {
  if (source === "") return h("p", { class: "muted", text: "It is empty." });
  return h("pre", { class: "text", text: source.length > LONGEST ? `${source.slice(0, LONGEST)}\n…` : source });
}

function hexDump(bytes) {
  const lines = dump(bytes, LONGEST, matchMedia(NARROW).matches ? 8 : 16);
  return h("pre", { class: "hex" }, lines.flatMap((l) => [h("span", { class: "at", text: l.at }), `  ${l.digits}  `, h("span", { class: "ascii", text: l.text }), "\n"]));
}
