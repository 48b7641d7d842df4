// One topic: its partitions, who has how much of them, who reads them and how far.

import { h, setText, show } from "../dom.js";
import { live, problemsOf, watch } from "../live.js";
import { age, bytes, count, many, rate } from "../format.js";
import { failed, figure, figures, loading, spark, state, tag } from "../parts.js";
import { get } from "../api.js";
import { link } from "../router.js";
import { partitions } from "../topic/partitions.js";
import { readers } from "../topic/readers.js";
import { saved } from "../topic/saved.js";

const EVERY = 2000; // ms between two looks at the topic, which may have many partitions
const PAGE = 200; // partitions that are asked for at once

export const topic = {
  name: "topic",
  title: (name) => name,
  mount(root, signal, name) {
    const sums = overview(name);
    const parts = partitions(name);
    const reads = readers();
    const saves = saved(name, signal);
    const body = h("div", {}, loading("Asking for the topic"));
    show(root, head(name), body);

    let size = PAGE;
    let asked = 0;
    let busy = false;
    let shown = false;

    async function look() {
      busy = true;
      asked = Date.now();
      try {
        const answer = await get(`topics/${encodeURIComponent(name)}`, { limit: size }, signal);
        draw(answer);
      } catch (err) {
        if (signal.aborted) return;
        if (!shown) show(body, err.status === 404 ? unknown(name) : failed(err, look));
      } finally {
        busy = false;
      }
    }

    function draw(answer) {
      if (!shown) show(body, sums.el, parts.el, saves.el, reads.el);
      shown = true;
      sums.update(answer.topic);
      parts.update(answer, () => {
        size += PAGE;
        look();
      });
      reads.update(answer.topic);
      saves.update();
    }

    watch(() => {
      if (!busy && Date.now() - asked >= EVERY) look();
    }, signal);
  },
};

function head(name) {
  return h("div", { class: "head" },
    h("h1", {}, h("a", { class: "crumb", href: "#/topics", text: "Topics" }), h("span", { class: "crumb", text: " / " }), name),
    h("div", { class: "right" },
      h("a", { class: "button", href: link(["topics", name, "records"]), text: "Browse records" }),
      h("a", { class: "button main", href: link(["topics", name, "records"], { live: 1 }), text: "Live tail" })));
}

function unknown(name) {
  return state("Nobody has records of this topic", "No node that answers knows it. It is there as soon as somebody publishes to it, and this page shows it then.",
    h("code", { text: `beck produce ${name}` }));
}

/** The figures of the topic. */
function overview(name) {
  const line = spark(88, 26);
  const perSecond = figure("Records a second", line.el);
  const [records, size, parts, newest, expired, missing] =
    ["Records", "Bytes", "Partitions", "Newest", "Expired", "Missing in stores"].map((what) => figure(what));
  const wrong = h("ul", { class: "wrong" });
  const el = h("div", {}, figures(perSecond, records, size, parts, newest, expired, missing), wrong);

  function update(t) {
    const now = live.mesh?.time ?? new Date();
    perSecond.set(rate(t.rate).replace("/s", ""));
    line.draw(live.rates.ring(`topic/${name}`));
    records.set(count(t.records));
    size.set(bytes(t.bytes));
    parts.set(count(t.partitions), t.alive === t.partitions ? "all written" : `${count(t.alive)} written`);
    newest.set(age(t.last, now), t.last && age(t.last, now) !== "now" ? "ago" : "");
    expired.set(count((t.list ?? []).reduce((n, p) => n + gone(p), 0)));
    missing.set(count(t.missing), t.conflicts ? `${many(t.conflicts, "range")} differ` : "", t.conflicts ? "critical" : t.missing ? "warning" : undefined);
    const found = problemsOf("topic", name);
    const text = found.map((p) => p.text).join("\n");
    if (wrong.dataset.is !== text) {
      wrong.dataset.is = text;
      show(wrong, found.map((p) => h("li", {}, tag(p.kind, p.level), " ", p.text)));
    }
  }

  return { el, update };
}

/** The records of a partition that stores had once, and that retention or a purge has deleted. */
function gone(p) {
  const tails = p.holders.filter((holder) => holder.role === "store").map((holder) => holder.tail);
  return tails.length > 0 ? Math.min(...tails) : p.tail;
}
