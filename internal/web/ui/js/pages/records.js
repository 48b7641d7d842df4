// The records of a topic: pages of them, or a live tail, and all of one.

import { h, show } from "../dom.js";
import { watch } from "../live.js";
import { onKey } from "../keys.js";
import { link, note } from "../router.js";
import { get } from "../api.js";
import { browser } from "../records/browse.js";
import { detail } from "../records/detail.js";
import { recordList } from "../records/list.js";
import { tail } from "../records/tail.js";
import { toolbar } from "../records/toolbar.js";

export const records = {
  name: "records",
  title: (name) => `Records of ${name}`,
  mount(root, signal, name, params) {
    const one = detail(name, signal, () => {
      list.mark(null);
      work.classList.remove("open");
    });
    const list = recordList((r) => {
      work.classList.add("open");
      one.open(r);
    });
    const fields = toolbar(params, turn);
    const pages = browser(name, list, fields.partitions, signal);
    const follow = tail(name, list, fields.partitions, signal);
    const foot = h("div", { class: "foot" });
    const instead = h("div");
    const work = h("div", { class: "work" }, h("div", { class: "left" }, instead, list.el), one.el);
    show(root,
      h("div", { class: "head" }, h("h1", {}, h("a", { class: "crumb", href: "#/topics", text: "Topics" }), h("span", { class: "crumb", text: " / " }),
        h("a", { class: "crumb", href: link(["topics", name]), text: name }), h("span", { class: "crumb", text: " / " }), "Records")),
      fields.el, foot, work);
    signal.addEventListener("abort", follow.stop, { once: true });

    /** Shows what the fields say. */
    async function turn() {
      const query = fields.read();
      remember(query);
      one.close();
      list.update([]);
      list.el.hidden = true;
      pages.stop();
      follow.stop();
      const mode = query.live ? follow : pages;
      show(foot, mode.bar);
      show(instead, mode.instead);
      if (query.live) {
        follow.start(query);
        return;
      }
      const found = await pages.load(query);
      // The address was that of one record.
      if (params.has("open") && found.length > 0) document.querySelector(".rows button")?.click();
      params.delete("open");
    }

    function remember({ live, partition, from, key, contains }) {
      note(link(["topics", name, "records"], { live: live ? 1 : "", partition, from: live || from === "end" ? "" : from, key, contains, open: params.get("open") }));
    }

    onKey(" ", () => (fields.read().live ? follow.pause() : fields.setLive(true)), signal);
    onKey("n", () => pages.newer.click(), signal);
    onKey("p", () => pages.older.click(), signal);
    onKey("Escape", one.close, signal);
    list.el.hidden = true;
    turn();
    // Names of producers come with the mesh, which may be later than the records.
    watch(() => {
      list.refresh();
      one.refresh();
      fields.partitions([]);
    }, signal);
    // The partitions to choose from, also before there is a record.
    get(`topics/${encodeURIComponent(name)}`, {}, signal).then((a) => fields.partitions(a.topic.list.map((p) => p.producer)), () => {});
  },
};
