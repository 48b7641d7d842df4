// The live tail: records as they are published, the newest on top.

import { h, setAttr, setText, show } from "../dom.js";
import { nameOf } from "../live.js";
import { count, exact, many } from "../format.js";
import { loading, state } from "../parts.js";
import { keepReading } from "../sse.js";
import { keyOf } from "./list.js";

const MOST = 300; // records that are shown, or wait while it is paused
const EVERY = 120; // ms between two drawings: faster nobody can see
const RATE = 100; // records a second that are asked for

/** Makes the tail of a topic, which list shows. start(query) begins, stop() ends it. */
export function tail(topic, list, partitions, signal) {
  const pauseButton = h("button", { class: "button", type: "button", "aria-pressed": "false", "aria-keyshortcuts": "Space" });
  const clear = h("button", { class: "button", type: "button", text: "Clear" });
  const said = h("span", { class: "muted", role: "status" });
  const bar = h("div", { class: "pager" }, said, clear, pauseButton);
  const instead = h("div");
  let run = null;
  let shown = [];
  let waiting = []; // came since the last drawing, or since it was paused
  let came = 0;
  let dropped = 0;
  let missed = 0; // while it was paused, and there was no more room
  let paused = false;
  let text = "";
  let timer = 0;

  pauseButton.addEventListener("click", pause);
  clear.addEventListener("click", () => {
    shown = [];
    waiting = [];
    dropped = missed = came = 0;
    draw();
  });

  function start(query) {
    stop();
    run = new AbortController();
    shown = [];
    waiting = [];
    came = dropped = missed = 0;
    paused = false;
    text = "connecting";
    const { partition, key, contains } = query;
    const mine = run;
    keepReading(`tail/${encodeURIComponent(topic)}`, { partition, key, contains, rate: RATE }, { take, down }, AbortSignal.any([signal, mine.signal]));
    draw();
  }

  function stop() {
    run?.abort();
    run = null;
    clearTimeout(timer);
    timer = 0;
  }

  function take(name, data) {
    if (name === "ready") text = "live";
    else if (name === "record") {
      text = "live";
      came++;
      waiting.push(data);
      if (waiting.length > MOST) {
        waiting.shift();
        missed++;
      }
    } else if (name === "dropped") dropped += data.records;
    else if (name === "gap") text = `${nameOf(data.partition)}: offsets ${exact(data.first)} to ${exact(data.last)} ${data.kind}`;
    else if (name === "error") text = data.error;
    later();
  }

  function down(err, seconds) {
    text = `${err.message}: again in ${Math.ceil(seconds)} s`;
    later();
  }

  function later() {
    if (!timer && run) timer = setTimeout(() => { timer = 0; draw(); }, EVERY);
  }

  function draw() {
    if (!paused && waiting.length > 0) {
      partitions([...new Set(waiting.map((r) => r.partition))]);
      shown = unique([...waiting.reverse(), ...shown]).slice(0, MOST);
      waiting = [];
      missed = 0;
    }
    list.update(shown);
    list.el.hidden = shown.length === 0;
    setAttr(pauseButton, "aria-pressed", String(paused));
    setText(pauseButton, paused ? `Go on${waiting.length ? ` (${count(waiting.length)} new)` : ""}` : "Pause");
    setText(said, summary());
    if (shown.length > 0) show(instead);
    else if (!instead.firstChild) show(instead, loading("Waiting for the next record"));
    else if (text === "live" && instead.firstChild.className.includes("loading")) show(instead, state("No record yet", "What is published from now on is shown here."));
  }

  function summary() {
    const parts = [paused ? "paused" : text, many(came, "record")];
    if (dropped) parts.push(`${count(dropped)} more than can be read are not shown`);
    if (missed) parts.push(`${count(missed)} of those that wait are dropped`);
    return parts.join(" · ");
  }

  /** Pauses it, or has it go on. What comes meanwhile is kept as far as there is room. */
  function pause() {
    paused = !paused;
    draw();
  }

  return { bar, instead, start, stop, pause };
}

function unique(records) {
  const seen = new Set();
  return records.filter((r) => !seen.has(keyOf(r)) && seen.add(keyOf(r)));
}
