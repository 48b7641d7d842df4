// All names under which positions are saved, for the page of topics.

import { h, show } from "../dom.js";
import { nameOf } from "../live.js";
import { age, count } from "../format.js";
import { nodeLink, state, tag } from "../parts.js";
import { link } from "../router.js";
import { cell, table } from "../table.js";

const MOST = 5; // topics that are named

/** Makes the section; update(mesh) draws it. */
export function names() {
  let now = null;
  const list = table([
    { label: "Name", class: "name", by: (v) => v.name, value: (v) => v.name },
    { label: "Consumer", by: (v) => (v.alive ? nameOf(v.consumer) : ""), draw: holder },
    { label: "Lag", class: "num", by: (v) => v.lag, value: (v) => count(v.lag) },
    { label: "Since", class: "num p2", by: (v) => v.since, value: (v) => age(v.since, now) },
    { label: "Topics", class: "p2 topics", draw: cell(() => h("span", { class: "named" }), topics) },
  ], {
    caption: "Saved names", key: (v) => v.name, first: 2, down: true,
    empty: state("Nobody saves positions", "A consumer with a name does, and goes on where it was when it is started again."),
  });
  const el = h("section", {}, h("h2", {}, "Saved names ", h("small", { text: "how far consumers with a name have finished" })), list.el);

  function update(mesh) {
    now = mesh.time;
    list.update(mesh.saved ?? []);
  }

  return { el, update };
}

/** Who holds a name: a link, or that nobody does. */
export function holder(td, v) {
  const address = v.alive ? v.holder ?? v.consumer : "";
  const text = `${address} ${v.lag > 0} ${address && nameOf(address)}`;
  if (td.dataset.is === text) return;
  td.dataset.is = text;
  show(td, address ? nodeLink(address, nameOf(address), "consumer") : tag("nobody reads", v.lag > 0 ? "warning" : undefined));
}

function topics(el, v) {
  const text = v.topics.join(" ");
  if (el.dataset.is === text) return;
  el.dataset.is = text;
  show(el, v.topics.slice(0, MOST).map((t) => h("a", { class: "plain", href: link(["topics", t]), text: t })),
    v.topics.length > MOST && h("span", { class: "muted", text: `and ${count(v.topics.length - MOST)} more` }));
}
