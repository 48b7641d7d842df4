// The fields above the records: what of a topic is shown.

import { h, keyed, setAttr, setText } from "../dom.js";
import { nameOf } from "../live.js";

// Where a page begins: what is sent, and how it is called.
const PLACES = [["end", "Newest"], ["beginning", "Oldest"], ["5m", "5 minutes ago"], ["1h", "An hour ago"], ["1d", "A day ago"], ["offset", "Offset …"], ["time", "Time …"]];

/**
 * Makes the fields from the parameters of the address. changed() is called when what
 * they say is another thing. read() returns it: {live, partition, from, key, contains}.
 */
export function toolbar(params, changed) {
  const modes = [["", "Browse"], ["1", "Live"]].map(([value, label]) => h("button", { type: "button", text: label, on: { click: () => setLive(value !== "") } }));
  const partition = h("select", { "aria-label": "Producer" });
  const place = h("select", { "aria-label": "Where to begin" }, PLACES.map(([value, text]) => h("option", { value, text })));
  const offset = h("input", { type: "number", min: 0, step: 1, "aria-label": "Offset", placeholder: "offset", required: true });
  const time = h("input", { type: "datetime-local", step: 1, "aria-label": "Time", required: true });
  const key = h("input", { type: "search", placeholder: "Key", "aria-label": "Only records with exactly this key", "data-filter": true, value: params.get("key") ?? "", spellcheck: "false", autocapitalize: "off" });
  const contains = h("input", { type: "search", placeholder: "Value contains", "aria-label": "Only records whose value contains this", value: params.get("contains") ?? "", spellcheck: "false", autocapitalize: "off" });
  const go = h("button", { class: "button", type: "submit", text: "Search" });
  const el = h("form", { class: "toolbar" }, h("div", { class: "segments", role: "group", "aria-label": "Browse or follow" }, modes),
    partition, place, offset, time, key, contains, go);

  let live = params.has("live");
  let all = [];
  const asked = params.get("partition") ?? "";
  begin(params.get("from") ?? "end");
  partitions(asked ? [asked] : []);
  partition.value = asked;
  draw();

  function begin(from) {
    const known = PLACES.some(([value]) => value === from);
    if (known) place.value = from;
    else if (/^\d+$/.test(from)) {
      place.value = "offset";
      offset.value = from;
    } else if (!Number.isNaN(Date.parse(from))) {
      place.value = "time";
      const at = new Date(from);
      time.value = new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
    }
  }

  function from() {
    if (place.value === "offset") return offset.value;
    if (place.value === "time") return time.value && new Date(time.value).toISOString();
    return place.value;
  }

  function draw() {
    setAttr(modes[0], "aria-pressed", String(!live));
    setAttr(modes[1], "aria-pressed", String(live));
    setText(go, live ? "Apply" : "Search");
    place.hidden = live;
    // A field that is not seen must not be asked to be filled in.
    offset.hidden = offset.disabled = live || place.value !== "offset";
    time.hidden = time.disabled = live || place.value !== "time";
  }

  function setLive(on) {
    if (live === on) return;
    live = on;
    draw();
    changed();
  }

  /** Takes the partitions that there are to choose from. */
  function partitions(list) {
    all = [...new Set([...all, ...list])];
    const was = partition.value;
    keyed(partition, ["", ...all], (p) => p, (p) => h("option", { value: p }),
      (option, p) => setText(option, p === "" ? `All producers${all.length ? ` (${all.length})` : ""}` : nameOf(p)));
    partition.value = was;
  }

  el.addEventListener("submit", (event) => {
    event.preventDefault();
    changed();
  });
  partition.addEventListener("change", changed);
  place.addEventListener("change", () => {
    draw();
    if (from()) changed();
    else (place.value === "time" ? time : offset).focus();
  });

  return {
    el,
    partitions,
    setLive,
    read: () => ({ live, partition: partition.value, from: from(), key: key.value, contains: contains.value }),
  };
}
