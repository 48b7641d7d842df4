// The bar on top: which page is shown, whether what it shows is live, and switches.

import { setAttr, setText } from "./dom.js";
import { appearance } from "./appearance.js";
import { shortcuts, openHelp } from "./keys.js";
import { count } from "./format.js";

const WORDS = { connecting: "connecting", live: "live", waiting: "reconnecting", trouble: "no tower" };

/** Brings the bar to life. update(live) draws it, turned(name, title) says which page it is. */
export function shell() {
  const pulse = document.querySelector(".pulse");
  const badge = document.querySelector(".top .count");
  const notice = document.querySelector(".notice");
  let title = "";
  appearance(document.querySelector("[data-do=theme]"));
  document.querySelector("[data-do=help]").addEventListener("click", openHelp);
  shortcuts();
  // "#main" would be taken for a page.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });

  function update(live) {
    setAttr(pulse, "data-state", live.state);
    setAttr(pulse, "title", live.text || "What is shown is at most a second or two old");
    setText(pulse.lastElementChild, WORDS[live.state]);
    const found = live.mesh?.problems.length ?? 0;
    badge.hidden = found === 0;
    setText(badge, count(found));
    setAttr(badge, "data-level", live.mesh?.status);
    setAttr(badge, "aria-label", found ? `${found} problems` : undefined);
    document.title = `${found ? `(${found}) ` : ""}${title} · beck`;
    warn(live);
  }

  // What makes everything that is shown old, or a part.
  function warn(live) {
    let text = "";
    if (live.state === "waiting" && live.mesh) text = `What is shown is old: ${live.text}.`;
    else if (live.state === "trouble") text = `Nothing is known of the mesh now: ${live.text}.`;
    else if (live.mesh && !live.mesh.complete) text = part(live.mesh);
    notice.hidden = text === "";
    setText(notice, text);
  }

  function turned(name, what) {
    title = what;
    for (const a of document.querySelectorAll(".top nav a")) {
      setAttr(a, "aria-current", a.dataset.page === name ? "page" : undefined);
    }
    document.title = `${what} · beck`;
  }

  return { update, turned };
}

function part(mesh) {
  const missing = mesh.missing ?? [];
  if (missing.length === 0) return "What is shown is a part: not all nodes have answered.";
  const some = missing.slice(0, 3).join(", ") + (missing.length > 3 ? ` and ${missing.length - 3} more` : "");
  return `What is shown is a part: no answer from ${some}.`;
}
