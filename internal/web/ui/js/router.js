// Pages by the part of the address behind "#": /topics/NAME/records?partition=...

/** What the address says: the parts of its path, and its parameters. */
export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { parts: path.split("/").filter(Boolean).map(decode), params: new URLSearchParams(query) };
}

// A topic may have any bytes in its name. One that is no UTF-8 is kept as a NUL, which
// no name has, and its bytes in base64.
const BYTES = "\0";

/** The name of a topic of the API, which has name64 where name cannot say it. */
export function nameOfTopic(t) {
  return t.name64 ? BYTES + t.name64 : t.name;
}

/** A name as it is shown. */
export function shown(name) {
  return name.startsWith(BYTES) ? `in base64: ${name.slice(1)}` : name;
}

/** A name as a part of a path. */
export function encode(name) {
  if (!name.startsWith(BYTES)) return encodeURIComponent(name);
  return Array.from(atob(name.slice(1)), (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return BYTES + btoa(part.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))));
  }
}

/** The address of a page. Names are escaped; parameters without a value are left out. */
export function link(parts, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return `#/${parts.map(encode).join("/")}${text ? `?${text}` : ""}`;
}

/** Goes to a page. With replace, "back" does not lead here again. */
export function go(address, replace = false) {
  if (address === location.hash) return;
  if (replace) {
    history.replaceState(null, "", address);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = address;
  }
}

/** Notes in the address what a page shows now, without anything being loaded. */
export function note(address) {
  history.replaceState(null, "", address);
}
