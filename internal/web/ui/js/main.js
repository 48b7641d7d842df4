// Puts the page together: what is around it, and the page that the address names.

import { live, start, watch } from "./live.js";
import { here } from "./router.js";
import { shell } from "./shell.js";
import { state } from "./parts.js";
import { show } from "./dom.js";
import { mesh } from "./pages/mesh.js";
import { topics } from "./pages/topics.js";
import { topic } from "./pages/topic.js";
import { records } from "./pages/records.js";
import { nodes } from "./pages/nodes.js";
import { node } from "./pages/node.js";
import { problems } from "./pages/problems.js";

const main = document.getElementById("main");
let leave = null; // ends what the page that is shown has under way

/**
 * The page of an address. A page is {name, title, mount(root, signal, ...)}: mount
 * draws into root and goes on doing so until signal ends.
 */
function find({ parts, params }) {
  const [first, second, third] = parts;
  switch (first) {
    case undefined: return [mesh];
    case "topics":
      if (second === undefined) return [topics, params];
      if (third === undefined) return [topic, second];
      if (third === "records") return [records, second, params];
      break;
    case "nodes": return second === undefined ? [nodes, params] : [node, second];
    case "problems": return [problems];
  }
  return [lost];
}

const lost = {
  name: "",
  title: () => "No such page",
  mount(root) {
    show(root, state("No such page", "The address leads nowhere. The pages are in the bar above."));
  },
};

/** Shows the page that the address names. */
function turn() {
  leave?.abort();
  leave = new AbortController();
  const [page, ...args] = find(here());
  const root = document.createElement("div");
  root.className = `at-${page.name}`;
  show(main, root);
  scrollTo(0, 0);
  around.turned(page.name, page.title(...args));
  page.mount(root, leave.signal, ...args);
}

const around = shell();
addEventListener("hashchange", () => {
  turn();
  main.focus({ preventScroll: true }); // so that who cannot see hears that it is another page
});
turn();
watch(around.update, new AbortController().signal);
start();

export { live }; // for who looks into the page by its console
