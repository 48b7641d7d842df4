// Numbers, times and names as people read them.

const group = new Intl.NumberFormat("en");
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const date = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "2-digit", day: "2-digit" });

/** 12,345 · 123 k · 4.56 M */
export function count(n) {
  if (n === undefined || n === null) return "–";
  if (n < 100_000) return group.format(Math.round(n));
  return scaled(n, 1000, ["", " k", " M", " G", " T", " P"]);
}

/** All digits of an offset: 1,234,567. */
export function exact(n) {
  return n === undefined || n === null ? "–" : group.format(n);
}

/** 512 B · 4.20 KiB · 1.08 GiB */
export function bytes(n) {
  if (n === undefined || n === null) return "–";
  return n < 1024 ? `${Math.round(n)} B` : scaled(n, 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB"]);
}

function scaled(n, base, units) {
  let unit = 0;
  while (n >= base - 0.5 && unit < units.length - 1) {
    n /= base;
    unit++;
  }
  return n.toFixed(n < 10 ? 2 : n < 100 ? 1 : 0) + units[unit];
}

/** Records a second. */
export function rate(n) {
  if (n === undefined || n === null) return "–";
  if (n === 0) return "0/s";
  return `${n < 10 ? n.toFixed(1) : count(n)}/s`;
}

/** How long ago a time is, as seen at now: 3 s · 5 min · 2 h · 4 d */
export function age(at, now) {
  if (!at) return "–";
  return span((new Date(now) - new Date(at)) / 1000);
}

/** A number of seconds. */
export function span(s) {
  if (s < 1) return "now";
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** The time of a day, to the millisecond; with the day unless that is today. */
export function clock(at, millis = true) {
  if (!at) return "–";
  const d = new Date(at);
  const text = time.format(d) + (millis ? `.${String(d.getMilliseconds()).padStart(3, "0")}` : "");
  return d.toDateString() === new Date().toDateString() ? text : `${date.format(d)} ${text}`;
}

/** An address is 32 digits: the first eight tell it from others well enough. */
export function short(address) {
  return address.length > 10 ? address.slice(0, 8) : address;
}

/** 1 record · 2 records */
export function many(n, one, more = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : more}`;
}

/** What of a part of a whole there is, in per cent. */
export function percent(part, whole) {
  return whole > 0 ? `${((100 * part) / whole).toFixed(0)} %` : "–";
}
