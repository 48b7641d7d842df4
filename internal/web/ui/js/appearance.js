// The switch of colours: as the system has it, light, dark.

import { svg, show } from "./dom.js";

const KEY = "beck.theme";
const ORDER = ["", "light", "dark"];
const WORDS = { "": "as the system", light: "light", dark: "dark" };
const ICONS = {
  "": ["M8 2.5a5.5 5.5 0 1 0 0 11z", "M8 2.5a5.5 5.5 0 0 1 0 11"],
  light: ["M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6z", "M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1"],
  dark: ["M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z"],
};

/** Has a button switch the colours, and say which they are. */
export function appearance(button) {
  const root = document.documentElement;
  const current = () => root.dataset.theme ?? "";

  function draw() {
    const theme = current();
    show(button, svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" },
      ICONS[theme].map((d, i) => svg("path", { d, fill: theme === "" && i === 0 ? "currentColor" : undefined }))));
    button.setAttribute("aria-label", `Colours: ${WORDS[theme]}`);
    button.title = `Colours: ${WORDS[theme]}`;
  }

  button.addEventListener("click", () => {
    const theme = ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length];
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch { /* then it lasts as long as the page */ }
    draw();
  });
  draw();
}
