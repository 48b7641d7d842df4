// The names under which positions in a topic are saved, and how far behind they are.

import { h, show } from "../dom.js";
import { live, nameOf } from "../live.js";
import { count, exact, many } from "../format.js";
import { state } from "../parts.js";
import { get } from "../api.js";
import { cell, table } from "../table.js";
import { holder } from "./names.js";

const MOST = 20; // names whose positions are asked for: each is a request

/** Makes the section; update() asks again and draws it. */
export function saved(topic, signal) {
  const note = h("small");
  const list = table([
    { label: "Name", class: "name", by: (v) => v.name, value: (v) => v.name },
    { label: "Consumer", by: (v) => (v.alive ? nameOf(v.consumer) : ""), draw: holder },
    { label: "Lag", class: "num", by: (v) => v.lag, value: (v) => count(v.lag) },
    { label: "Expired", class: "num p2", by: (v) => v.expired, value: (v) => count(v.expired) },
    { label: "By partition", class: "p2 positions", draw: cell(() => h("ul"), positions) },
  ], {
    caption: "Saved positions", key: (v) => v.name, first: 2, down: true,
    empty: state("Nobody saves positions in this topic", "A consumer with a name does, and goes on there when it is started again:", h("code", { text: `beck consume ${topic} --name billing` })),
  });
  const el = h("section", { class: "saved" }, h("h2", {}, "Lag of saved names ", note), list.el);
  let busy = false;

  async function update() {
    const names = (live.mesh?.saved ?? []).filter((v) => v.topics.includes(topic));
    note.textContent = names.length > MOST ? `${MOST} of ${count(names.length)}` : names.length > 0 ? "records from the saved position to the head" : "";
    if (busy) return;
    busy = true;
    try {
      const rows = [];
      for (const v of names.slice(0, MOST)) {
        const answer = await get(`lag/${encodeURIComponent(v.name)}`, { topic }, signal);
        const places = answer.saved.positions ?? [];
        rows.push({ ...answer.saved, positions: places, expired: places.reduce((n, p) => n + (p.expired ?? 0), 0) });
      }
      list.update(rows);
    } catch {
      // It is asked again with the next update, and the bar says what is wrong.
    } finally {
      busy = false;
    }
  }

  return { el, update };
}

/** The partitions that it is behind in, most first. */
function positions(list, v) {
  const behind = v.positions.filter((p) => p.lag > 0).sort((a, b) => b.lag - a.lag);
  const shown = behind.slice(0, 3).map((p) => h("li", {}, h("span", { class: "cut", title: p.producer, text: nameOf(p.producer) }), ` ${p.new ? "from its first record" : `at ${exact(p.next)}`}, ${count(p.lag)} behind`));
  if (behind.length > 3) shown.push(h("li", { class: "muted", text: `and ${many(behind.length - 3, "partition")} more` }));
  show(list, shown.length ? shown : h("li", { class: "muted", text: "at the head of each" }));
}
