// Bytes as the API sends them, {text} or {base64}, and what is shown of them.

/** Decodes them: bytes, and text where they are UTF-8. cut says that there are more, size how many. */
export function decode(value) {
  if (!value) return null;
  if (value.base64 !== undefined) {
    const bytes = Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0));
    return { bytes, text: null, cut: value.cut ?? false, size: value.size ?? bytes.length };
  }
  const text = value.text ?? "";
  let encoded = null;
  return {
    text,
    cut: value.cut ?? false,
    get bytes() { return (encoded ??= new TextEncoder().encode(text)); },
    get size() { return value.size ?? this.bytes.length; },
  };
}

const PREVIEW = 300; // characters

/** One line of them: text with its control characters made visible, or hex. */
export function preview(data) {
  if (!data) return "";
  if (data.text !== null && !binary(data.text)) return visible(data.text.slice(0, PREVIEW));
  return Array.from(data.bytes.slice(0, 48), hex).join(" ") + (data.size > 48 ? " …" : "");
}

/** Whether text that is UTF-8 by chance is better shown as hex. */
export function binary(text) {
  const start = text.slice(0, 2000);
  const odd = start.match(/[\u0000-\u0008\u000e-\u001f\u007f\ufffd]/g)?.length ?? 0;
  return odd > 0 && odd * 10 >= start.length;
}

/** Text in which line breaks and the like take no room, and nothing hides or turns what is behind it. */
export function visible(text) {
  return text
    .replace(/[\u0000-\u001f]/g, (c) => (c === "\n" ? "⏎" : c === "\t" ? "⇥" : String.fromCharCode(0x2400 + c.charCodeAt(0))))
    .replace(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "·");
}

/** A byte as two digits. */
export function hex(byte) {
  return byte.toString(16).padStart(2, "0");
}
