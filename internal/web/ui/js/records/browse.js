// Pages of records, older and newer ones.

import { h, setText, show } from "../dom.js";
import { nameOf } from "../live.js";
import { count, exact, many } from "../format.js";
import { failed, loading, state } from "../parts.js";
import { get } from "../api.js";

const PAGE = 100;

/**
 * Makes what asks for pages of a topic and has list show them. partitions(list) is told
 * which there are. load(query) shows the page that a query is about, and returns its
 * records, as they are shown.
 */
export function browser(topic, list, partitions, signal) {
  const older = h("button", { class: "button", type: "button", text: "Older" });
  const newer = h("button", { class: "button", type: "button", text: "Newer" });
  const said = h("span", { class: "muted", role: "status" });
  const bar = h("div", { class: "pager" }, said, newer, older);
  const instead = h("div"); // of the list, where there is nothing to list
  let query = null;
  let page = null;
  let asking = null;

  older.addEventListener("click", () => ask({ before: page.before }));
  newer.addEventListener("click", () => ask({ after: page.after }));

  async function ask(place) {
    asking?.abort();
    const mine = asking = new AbortController();
    older.disabled = newer.disabled = true;
    // What is there soon needs no sign of waiting, which would only flicker.
    const slow = setTimeout(() => page === null ? show(instead, loading("Reading records")) : setText(said, "reading …"), 200);
    try {
      const { partition, key, contains } = query;
      const answer = await get(`records/${encodeURIComponent(topic)}`, { partition, key, contains, limit: PAGE, ...place }, AbortSignal.any([signal, mine.signal]));
      page = answer;
      return draw();
    } catch (err) {
      if (mine.signal.aborted || signal.aborted) return [];
      list.update([]);
      list.el.hidden = true;
      setText(said, "");
      show(instead, err.status === 404 ? state("Nobody has records of this", err.message) : failed(err, () => ask(place)));
      return [];
    } finally {
      clearTimeout(slow);
    }
  }

  function draw() {
    // Who begins at the end reads backwards.
    const records = query.from === "end" ? [...page.records].reverse() : page.records;
    partitions(page.partitions.map((p) => p.partition));
    list.update(records);
    list.el.hidden = records.length === 0;
    older.disabled = !page.older;
    newer.disabled = !page.newer;
    setText(said, summary());
    show(instead, gaps(), records.length === 0 && none());
    return records;
  }

  function summary() {
    const parts = [query.from === "end" ? many(page.records.length, "record") + ", newest first" : many(page.records.length, "record") + ", oldest first"];
    if (query.key || query.contains) parts.push(`${count(page.scanned)} looked at`);
    if (page.left_out) parts.push(`${count(page.left_out)} producers left out: choose one`);
    if (!page.complete) parts.push("not all that was asked answered in time");
    return parts.join(" · ");
  }

  function gaps() {
    if (page.gaps.length === 0) return null;
    return h("ul", { class: "gaps" }, page.gaps.slice(0, 5).map((g) => h("li", { text: `${nameOf(g.partition)}: offsets ${exact(g.first)} to ${exact(g.last)} ${g.kind === "expired" ? "have expired" : "are had by nobody"}` })));
  }

  function none() {
    if (!query.key && !query.contains) return state("No records here", page.older ? "There are older ones." : page.newer ? "There are newer ones." : "The topic has none that can be read.");
    const more = page.older || page.newer;
    return state("None found", `${many(page.scanned, "record")} were looked at.${more ? " There are more:" : ""}`,
      more && h("button", { class: "button", type: "button", text: "Go on searching", on: { click: () => (page.older && query.from === "end" ? older : newer).click() } }));
  }

  return {
    bar,
    instead,
    older,
    newer,
    stop: () => asking?.abort(),
    load(q) {
      query = q;
      page = null;
      return ask({ from: q.from });
    },
  };
}
