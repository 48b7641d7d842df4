// The token that a daemon may want. It is kept for this tab only, and goes nowhere
// but into the header of requests to the daemon.

import { h, show } from "./dom.js";

const KEY = "beck.token";
let asking = null; // the promise of who asks now

/** The token, "" for none. */
export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return kept;
  }
}

let kept = ""; // where there is no storage

function keep(value) {
  kept = value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch { /* then it is gone with the page */ }
}

/**
 * Asks for a token, because the one that was used is none, and waits until there is
 * another. All requests that are refused meanwhile wait for the same answer. It fails
 * if signal ends first.
 */
export async function refused(used, signal) {
  if (token() !== used) return; // somebody has given a new one meanwhile
  asking ??= prompt(used).finally(() => { asking = null; });
  await Promise.race([asking, ended(signal)]);
}

function ended(signal) {
  return new Promise((_, fail) => {
    if (signal?.aborted) fail(signal.reason);
    signal?.addEventListener("abort", () => fail(signal.reason), { once: true });
  });
}

function prompt(used) {
  const dialog = h("dialog", { "aria-labelledby": "token-title" });
  document.body.append(dialog);
  return new Promise((done) => {
    const input = h("input", { type: "password", id: "token", autocomplete: "current-password", required: true, spellcheck: "false" });
    const submit = (event) => {
      event.preventDefault();
      keep(input.value.trim());
      dialog.remove();
      done();
    };
    show(dialog, h("form", { on: { submit } },
      h("h2", { id: "token-title", text: "This daemon wants a token" }),
      h("p", { text: used ? "The token was not accepted. " : "It is in the file that the daemon was started with as --http-token-file. This tab keeps it until it is closed." }),
      h("label", { class: "sr", for: "token", text: "Token" }), input,
      h("div", { class: "row" }, h("button", { class: "button main", type: "submit", text: "Continue" }))));
    // Without a token there is nothing to go back to.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.showModal();
    input.focus();
  });
}
