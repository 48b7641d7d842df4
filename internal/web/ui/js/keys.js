// Keyboard shortcuts, and the list of them.

import { h } from "./dom.js";
import { go } from "./router.js";

const PAGES = { 1: "#/", 2: "#/topics", 3: "#/nodes", 4: "#/problems" };
const LIST = [
  ["1 2 3 4", "mesh, topics, nodes, what is wrong"],
  ["/", "to the field that filters or searches"],
  ["j k", "to the next, the previous row"],
  ["enter", "open it; end a filter"],
  ["space", "records: pause the live tail, or go on"],
  ["n p", "records: newer, older page"],
  ["esc", "close; take a filter back"],
  ["c", "colours: system, light, dark"],
  ["?", "this list"],
];

const own = new Map(); // keys of the page that is shown

/** Gives a key to the page until signal ends. */
export function onKey(key, f, signal) {
  own.set(key, f);
  signal.addEventListener("abort", () => { if (own.get(key) === f) own.delete(key); }, { once: true });
}

/** Listens for the keys that all pages have. */
export function shortcuts() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const typing = event.target.closest?.("input, select, textarea");
    if (typing) {
      // As in beck top: enter ends a filter, esc takes it back.
      if (event.key === "Escape" || (event.key === "Enter" && !typing.form)) typing.blur();
      return;
    }
    // Space presses what is focused, if that can be pressed.
    if (event.key === " " && event.target.closest?.("button, summary, a")) return;
    const act = own.get(event.key) ?? common(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function common(key) {
  if (PAGES[key]) return () => go(PAGES[key]);
  switch (key) {
    case "/": return () => document.querySelector("main [data-filter]")?.focus();
    case "j": return () => step(1);
    case "k": return () => step(-1);
    case "c": return () => document.querySelector("[data-do=theme]").click();
    case "?": return openHelp;
  }
  return null;
}

/** Moves the focus along what of a page can be opened. */
function step(by) {
  const rows = [...document.querySelectorAll("main [data-row]")].filter((el) => el.checkVisibility());
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
  rows[next]?.focus();
  rows[next]?.scrollIntoView({ block: "nearest" });
}

/** Shows the list of shortcuts. */
export function openHelp() {
  const dialog = h("dialog", { "aria-labelledby": "help-title" },
    h("h2", { id: "help-title", text: "Keyboard" }),
    h("dl", { class: "keys" }, LIST.map(([keys, what]) => [
      h("dt", {}, keys.split(" ").flatMap((k) => [h("kbd", { text: k }), " "])), h("dd", { text: what }),
    ])),
    h("form", { method: "dialog", class: "row" }, h("button", { class: "button", text: "Close" })));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
