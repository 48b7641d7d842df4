// Server-sent events over fetch: EventSource cannot send the token in a header.

import { open, ApiError } from "./api.js";

/**
 * Reads a stream of events and gives each to take(name, data), data being what its
 * JSON says. Returns when the stream ends, fails with ApiError when it breaks.
 */
export async function read(path, params, take, signal) {
  const answer = await open(path, params, signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new Parser(take);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      parser.push(value);
    }
  } catch (err) {
    if (signal?.aborted || err instanceof ApiError) throw err;
    throw new ApiError(0, "the connection was lost");
  }
}

/** Puts events together from pieces of text, however these are cut. */
export class Parser {
  constructor(take) {
    this.take = take;
    this.rest = "";
    this.name = "";
    this.data = [];
  }

  push(text) {
    const lines = (this.rest + text).split(/\r\n|\n/);
    this.rest = lines.pop();
    for (const line of lines) this.line(line);
  }

  line(line) {
    if (line === "") {
      if (this.data.length > 0) this.take(this.name || "message", JSON.parse(this.data.join("\n")));
      this.name = "";
      this.data = [];
      return;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
  }
}

const LONGEST = 10_000; // ms between two attempts

/**
 * Keeps a stream open until signal ends: reads it, and again when it breaks, waiting
 * longer from time to time. hooks: take(name, data), and down(error, seconds) when it
 * is broken and will be tried again in so many seconds. While nobody looks at the page
 * it is closed, for a browser has few connections to one host, which other tabs want.
 */
export async function keepReading(path, params, hooks, signal) {
  let wait = 500;
  while (!signal.aborted) {
    await visible(signal);
    const look = new AbortController();
    const stop = () => look.abort();
    const hide = () => { if (document.hidden) stop(); };
    signal.addEventListener("abort", stop, { once: true });
    document.addEventListener("visibilitychange", hide);
    let failed = null;
    try {
      await read(path, params, (name, data) => { wait = 500; hooks.take(name, data); }, look.signal);
      failed = new ApiError(0, "the daemon has ended the connection");
    } catch (err) {
      if (!look.signal.aborted) failed = err;
    } finally {
      look.abort(); // of a stream whose events could not be taken
      signal.removeEventListener("abort", stop);
      document.removeEventListener("visibilitychange", hide);
    }
    if (failed === null || signal.aborted) continue;
    hooks.down(failed, wait / 1000);
    await pause(wait * (0.75 + Math.random() / 2), signal); // not all browsers at once
    wait = Math.min(2 * wait, LONGEST);
  }
}

function visible(signal) {
  return new Promise((done) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look, { once: true });
    look();
  });
}

function pause(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
  });
}
