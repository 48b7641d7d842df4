// The mesh as a picture, with what it does as a whole above and who came and went below.

import { h, keyed, setAttr, setText, show } from "../dom.js";
import { live, watch } from "../live.js";
import { bytes, clock, count, many, rate } from "../format.js";
import { figure, figures, loading, nodeLink, spark, state } from "../parts.js";
import { picture } from "../mesh/picture.js";

export const mesh = {
  name: "mesh",
  title: () => "Mesh",
  mount(root, signal) {
    const summary = overview();
    const drawn = picture(signal);
    const changes = lately();
    const waiting = loading("Joining the mesh to look at it");
    show(root, h("h1", { class: "sr", text: "Mesh" }), waiting);
    watch((live) => {
      if (!live.mesh) {
        if (live.state === "trouble" || live.state === "waiting") show(root, state("Nothing is known of the mesh yet", live.text));
        return;
      }
      if (!summary.el.isConnected) show(root, h("h1", { class: "sr", text: "Mesh" }), summary.el, drawn.el, changes.el);
      summary.update(live.mesh);
      drawn.update(live.mesh);
      changes.update();
    }, signal);
  },
};

/** The figures above the picture. */
function overview() {
  const line = spark(88, 26);
  const all = figure("Records a second", line.el);
  const [topics, records, disk, lag, well] = ["Topics", "Records", "On disks", "Largest lag", "Now"].map((what) => figure(what));
  const wellLink = h("a", { href: "#/problems", class: "plain" });
  well.el.querySelector("dd").replaceChildren(wellLink);

  function update(mesh) {
    const sum = mesh.summary;
    const own = mesh.topics.filter((t) => !t.name.startsWith("_beck."));
    all.set(rate(live.rates.now("all")).replace("/s", ""));
    line.draw(live.rates.ring("all"));
    topics.set(count(own.length), many(own.reduce((n, t) => n + t.partitions, 0), "partition"));
    records.set(count(own.reduce((n, t) => n + t.records, 0)));
    disk.set(bytes(mesh.nodes.reduce((n, node) => n + (node.disk?.used ?? 0), 0)), many(sum.stores, "store"));
    lag.set(count(sum.max_lag), sum.saved_names ? `of ${many(sum.saved_names, "name")}` : "no names");
    const found = mesh.problems.length;
    setText(wellLink, found ? many(found, "problem") : "all is well");
    setAttr(well.el, "data-level", mesh.status);
  }

  return { el: figures(all, topics, records, disk, lag, well), update };
}

const WORDS = { came: "joined", went: "went", back: "is back" };

/** Who came and went while the page was open. */
function lately() {
  const list = h("ol", { class: "lately" });
  const el = h("section", { "aria-label": "Lately", "aria-live": "polite" }, list);

  function update() {
    const changes = live.changes.list.slice(0, 6);
    el.hidden = changes.length === 0;
    keyed(list, changes, (c) => `${c.at} ${c.what} ${c.node.address}`, (c) => h("li", { "data-what": c.what },
      h("time", { class: "mono muted", text: clock(c.at, false) }), " ",
      nodeLink(c.node.address, c.node.name, c.node.role), ` ${WORDS[c.what]}`));
  }

  return { el, update };
}
