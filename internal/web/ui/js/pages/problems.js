// What is wrong now: what `beck check` finds, by limits that can be changed here.

import { h, keyed, setAttr, setText, show } from "../dom.js";
import { live, watch } from "../live.js";
import { clock, many } from "../format.js";
import { loading, nodeLink, tag } from "../parts.js";
import { link } from "../router.js";
import { limits } from "../limits.js";

// What a kind of problem means, and what helps.
const HELP = {
  tower: "Nodes that have met go on without it; newcomers need one. Start it again.",
  node: "A tower names it, and it does not answer: it hangs, is cut off, or has just ended.",
  disk: "A store acknowledges only what is on its disk. Make room, or look at the disk.",
  missing: "A store fetches what it lacks from whoever has it. What no store and no producer has is lost.",
  conflict: "Two stores hold different records under the same offsets. Nothing is overwritten: see docs/guarantees.md.",
  stores: "If the nodes that have these records fail now, they are gone. Start more stores, or look why they do not keep up.",
  stalled: "A consumer waits for records that nobody serves. Start a store that has them, or have it skip them.",
  lag: "The consumer is slower than what is published, or it does not run.",
  partial: "There is more than is looked at.",
};

export const problems = {
  name: "problems",
  title: () => "What is wrong now",
  mount(root, signal) {
    const verdict = h("div", { class: "verdict panel", role: "status" });
    const list = h("ol", { class: "problems" });
    const set = limits(signal);
    const changes = h("ol", { class: "panel changes" });
    const waiting = loading("Looking for what is wrong");
    show(root, h("div", { class: "head" }, h("h1", { text: "What is wrong now" })), waiting);

    set.watch((found) => {
      if (!found) return;
      if (waiting.isConnected) {
        waiting.remove();
        root.append(verdict, list, h("section", {}, h("h2", {}, "What counts as wrong"), set.el),
          h("section", {}, h("h2", {}, "Who came and went ", h("small", { text: "since this page was opened" })), changes));
      }
      drawVerdict(verdict, found);
      keyed(list, found.problems, (p) => [p.kind, p.node, p.topic, p.name].join(" "), problem, (li, p) => li.update(p));
    });
    watch(() => drawChanges(changes), signal);
  },
};

/** Says in a sentence how it is. */
function drawVerdict(el, found) {
  const s = found.summary;
  const n = found.problems.length;
  setAttr(el, "data-level", found.status);
  const title = n === 0 ? "All is well" : found.status === "critical" ? `${many(n, "problem")}: records are lost, or could be with what fails next` : `${many(n, "problem")} that ${n === 1 ? "mends itself or is" : "mend themselves or are"} not urgent`;
  const looked = `${s.towers_up} of ${many(s.towers, "tower")} and ${s.nodes - s.silent} of ${many(s.nodes, "node")} answer, ${many(s.stores, "store")} among them. ` +
    `Looked at ${many(s.records, "record")} in ${many(s.partitions, "partition")} of ${many(s.topics, "topic")}, and ${many(s.saved_names, "saved name")}.`;
  const good = n === 0 ? " Nothing is missing in a store, stores agree with each other, and the head of each partition is in enough of them." : "";
  if (el.childElementCount === 0) show(el, h("h2"), h("p"), h("p", { class: "faint small" }));
  setText(el.children[0], title);
  setText(el.children[1], looked + good);
  setText(el.children[2], `As of ${clock(found.time, false)}. beck check says the same.`);
}

function problem() {
  const head = h("p", { class: "what" });
  const help = h("p", { class: "muted" });
  const where = h("p", { class: "where" });
  const li = h("li", { class: "panel" }, head, help, where);
  li.update = (p) => {
    setAttr(li, "data-level", p.level);
    const text = `${p.level} ${p.text}`;
    if (li.dataset.is === text) return;
    li.dataset.is = text;
    show(head, tag(p.kind, p.level), " ", p.text);
    setText(help, HELP[p.kind] ?? "");
    show(where, p.node && nodeLink(p.node, `node ${p.node.slice(0, 8)}`), p.topic && h("a", { class: "plain", href: link(["topics", p.topic]), text: `topic ${p.topic}` }));
  };
  return li;
}

const WORDS = { came: "joined", went: "went", back: "is back" };

function drawChanges(list) {
  const changes = live.changes.list;
  if (changes.length === 0) {
    show(list, h("li", { class: "muted", text: "Nobody." }));
    return;
  }
  if (list.firstChild?.className === "muted") show(list);
  keyed(list, changes, (c) => `${c.at} ${c.what} ${c.node.address}`, (c) => h("li", { "data-what": c.what },
    h("time", { class: "mono muted", text: clock(c.at, false) }), nodeLink(c.node.address, c.node.name, c.node.role || "other"), h("span", { text: WORDS[c.what] })));
}
