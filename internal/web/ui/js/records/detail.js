// All of one record: where it is, its headers, its key, and its value in the view that
// suits it.

import { h, setAttr, setText, show } from "../dom.js";
import { nameOf } from "../live.js";
import { bytes, clock, exact } from "../format.js";
import { nodeLink, tag } from "../parts.js";
import { get } from "../api.js";
import { link } from "../router.js";
import { binary, decode, visible } from "./bytes.js";
import { view, viewsOf } from "./views.js";

const WHOLE = 1 << 20; // bytes of a value that are asked for at most

/** Makes the panel; show(record) fills it, close() empties it. */
export function detail(topic, signal, closed) {
  const by = h("span", { class: "cut" });
  let now = null; // the record that is shown
  const el = h("aside", { class: "panel detail", "aria-label": "Record", tabindex: "-1", hidden: true });

  function close() {
    if (el.hidden) return;
    el.hidden = true;
    show(el);
    closed();
  }

  function open(r) {
    el.hidden = false;
    draw(r);
    el.scrollTop = 0;
    // On a phone it covers the list: then it is where one is.
    if (getComputedStyle(el).position === "fixed") el.focus();
  }

  function draw(r, prefer) {
    const key = decode(r.key);
    const value = decode(r.value);
    now = r;
    refresh();
    show(el,
      h("header", {},
        h("h2", {}, by, h("span", { class: "muted", text: ` @ ${exact(r.offset)}` })),
        h("a", { class: "button", href: link(["topics", topic, "records"], { partition: r.partition, from: r.offset, open: 1 }), text: "Link", title: "The address of this record" }),
        h("button", { class: "icon", type: "button", "aria-label": "Close the record", text: "✕", on: { click: close } })),
      h("dl", { class: "pairs" }, pairs(r, key)),
      headers(r.headers ?? []),
      valueBox(r, value, prefer));
  }

  /** Shows names as they are known now. */
  function refresh() {
    if (now) setText(by, nameOf(now.partition));
  }

  function valueBox(r, value, prefer) {
    const views = viewsOf(value);
    const body = h("div", { class: "value" });
    const pick = (name) => {
      for (const b of buttons) setAttr(b, "aria-pressed", b.textContent === name ? "true" : "false");
      show(body, view(name, value));
    };
    const buttons = views.map((name) => h("button", { type: "button", text: name, on: { click: () => pick(name) } }));
    const text = h("span", { class: "muted", text: value.cut ? `the first ${bytes(value.bytes.length)} of ${bytes(value.size)}` : bytes(r.size) });
    const all = value.cut && h("button", { class: "button", type: "button", text: r.size > WHOLE ? "Load 1 MiB" : "Load all" });
    if (all) all.addEventListener("click", () => whole(r, all));
    pick(views.includes(prefer) ? prefer : views[0]);
    return h("section", {}, h("div", { class: "tools" }, h("h3", { text: "Value" }), text, all, h("div", { class: "segments", role: "group", "aria-label": "How the value is shown" }, buttons), copy(value)), body);
  }

  /** Asks for a value of which there is more. */
  async function whole(r, button) {
    button.disabled = true;
    try {
      const page = await get(`records/${encodeURIComponent(topic)}`, { partition: r.partition, from: r.offset, limit: 1, value_limit: WHOLE }, signal);
      const found = page.records.find((f) => f.offset === r.offset);
      if (!found) throw new Error("it is not there any more");
      draw(found);
    } catch (err) {
      if (!signal.aborted) button.textContent = `Not loaded: ${err.message}`;
    }
  }

  return { el, open, close, refresh };
}

function pairs(r, key) {
  return [
    ["time", r.time ? `${clock(r.time)} (${r.time})` : "none: its producer sent none, or it passed through a node that drops it"],
    ["partition", nodeLink(r.partition, r.partition, undefined)],
    ["offset", String(r.offset)],
    ["key", key ? h("code", { text: key.text !== null && !binary(key.text) ? visible(key.text) : `hex ${view.hexLine(key)}` }) : "none"],
    ["read from", r.source],
    r.unreadable && ["", tag("its value cannot be read", "critical")],
  ].filter(Boolean).flatMap(([what, v]) => [h("dt", { text: what }), h("dd", {}, v)]);
}

function headers(list) {
  if (list.length === 0) return null;
  const text = (b) => {
    const data = decode(b);
    return data.text !== null ? visible(data.text) : view.hexLine(data);
  };
  return h("section", {}, h("h3", { text: "Headers" }), h("dl", { class: "pairs mono" }, list.flatMap(([name, value]) => [h("dt", { text: text(name) }), h("dd", { text: text(value) })])));
}

/** A button that copies a value, where the browser lets a page do so. */
function copy(value) {
  if (!navigator.clipboard || value.text === null) return null;
  const button = h("button", { class: "button", type: "button", text: "Copy" });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(value.text).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Not allowed"; });
  });
  return button;
}
