// What is known of the mesh now, and a little of what it was like before. The daemon
// sends what it sees about once a second; pages are told, and draw it.

import { keepReading } from "./sse.js";
import { Rates } from "./rates.js";
import { Changes } from "./changes.js";

/** What pages draw from. Only this module writes it. */
export const live = {
  state: "connecting", // or live, waiting (the stream broke), trouble (no tower answers)
  text: "", // why it is not live
  mesh: null, // the last that was sent: see docs/http.md
  rates: new Rates(),
  changes: new Changes(),
};

// The name of what the daemon itself has join the mesh while somebody reads records.
const READER = "beck http";

const listeners = new Set();

/** Calls f now and after each change, until signal ends. */
export function watch(f, signal) {
  listeners.add(f);
  signal.addEventListener("abort", () => listeners.delete(f), { once: true });
  f(live);
}

function tell(state, text = "") {
  live.state = state;
  live.text = text;
  for (const f of listeners) f(live);
}

/** Begins to listen, for as long as the page is there. */
export function start() {
  keepReading("events", {}, {
    take(name, data) {
      if (name === "mesh") {
        data.nodes = data.nodes.filter((n) => n.name !== READER);
        live.mesh = data;
        live.rates.take(data);
        live.changes.take(data);
        tell("live");
      } else if (name === "error") {
        tell("trouble", data.error);
      }
    },
    down(err, seconds) {
      tell("waiting", `${err.message}: again in ${seconds < 1 ? "a moment" : `${Math.round(seconds)} s`}`);
    },
  }, new AbortController().signal);
}

/** A node's state, as `beck nodes` has it. */
export function stateOf(node, mesh) {
  if (node.state) return node.state;
  if (mesh.missing?.includes(node.address)) return "silent";
  if (node.foreign) return "foreign";
  if (!node.linked) return "gone";
  if (node.disk && node.disk.state !== "well") return `disk ${node.disk.state}`;
  return node.answered ? "up" : "?";
}

/** How bad a state is, for colours. */
export function levelOf(state) {
  if (state === "up") return "ok";
  return state === "silent" || state.startsWith("disk") ? "critical" : state === "gone" ? "warning" : undefined;
}

/** What to call a node: its name, or the beginning of its address. */
export function nameOf(address) {
  const node = live.mesh?.nodes.find((n) => n.address === address) ?? live.changes.gone.get(address)?.node;
  return node?.name || address.slice(0, 8);
}

/** The problems that a node, topic or name has part in. */
export function problemsOf(field, value) {
  return (live.mesh?.problems ?? []).filter((p) => p[field] === value);
}
