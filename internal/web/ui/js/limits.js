// The limits by which something counts as wrong, those of `beck check`. By the usual
// ones the daemon says with each event what is wrong; by others it is asked.

import { h } from "./dom.js";
import { live, watch } from "./live.js";
import { get } from "./api.js";

const KEY = "beck.limits";
const FIELDS = [
  ["min_stores", "Stores that must have the head of each partition", 1, 0, 100],
  ["disk_free", "Per cent of a store’s disk that must be free", 10, 0, 100],
  ["warn_lag", "Records that a saved name may be behind: warning", "", 1],
  ["max_lag", "Records that it may be behind: critical", "", 1],
];

/** Makes the fields. watch(f) calls f with what is wrong, again and again, until signal ends. */
export function limits(signal) {
  const inputs = FIELDS.map(([name, , standard, min, max]) => h("input", {
    type: "number", name, min, max, value: recall()[name] ?? standard, placeholder: "any", inputmode: "numeric",
  }));
  const reset = h("button", { class: "button", type: "button", text: "As usual" });
  const el = h("form", { class: "panel limits" }, FIELDS.map(([, label], i) => h("label", {}, h("span", { text: label }), inputs[i])), h("div", {}, reset));
  el.addEventListener("submit", (event) => event.preventDefault());

  let tell = () => {};
  let busy = false;

  function chosen() {
    const set = {};
    FIELDS.forEach(([name, , standard], i) => {
      if (inputs[i].value !== String(standard) && inputs[i].checkValidity()) set[name] = inputs[i].value;
    });
    return set;
  }

  async function look() {
    const set = chosen();
    reset.disabled = Object.keys(set).length === 0;
    if (reset.disabled) {
      if (live.mesh) tell(live.mesh);
      return;
    }
    if (busy) return;
    busy = true;
    try {
      const found = await get("check", set, signal);
      // Somebody may have typed meanwhile; then the next answer counts.
      if (JSON.stringify(set) === JSON.stringify(chosen())) tell(found);
    } catch { /* the bar says what is wrong, and it is asked again */ } finally {
      busy = false;
    }
  }

  el.addEventListener("input", () => {
    keep(chosen());
    look();
  });
  reset.addEventListener("click", () => {
    FIELDS.forEach(([, , standard], i) => { inputs[i].value = standard; });
    keep({});
    look();
  });

  return {
    el,
    watch(f) {
      tell = f;
      watch(look, signal);
    },
  };
}

function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function keep(set) {
  try {
    localStorage.setItem(KEY, JSON.stringify(set));
  } catch { /* then they last as long as the page */ }
}
