// Bytes as a hex dump: offset, sixteen bytes, and what of them is printable.

import { hex } from "./bytes.js";

const ACROSS = 16;

/** The lines of a dump of at most `most` bytes, as {at, digits, text}. */
export function dump(bytes, most = 16_384, across = ACROSS) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += across) {
    const part = bytes.subarray(at, Math.min(at + across, most));
    const digits = Array.from(part, hex);
    const half = across / 2;
    lines.push({
      at: at.toString(16).padStart(6, "0"),
      digits: `${digits.slice(0, half).join(" ")}  ${digits.slice(half).join(" ")}`.padEnd(3 * across),
      text: Array.from(part, (b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : "·")).join(""),
    });
  }
  return lines;
}
