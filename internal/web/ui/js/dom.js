// What makes and updates elements. Text becomes text nodes here and nowhere markup:
// names and records come from whoever can reach the mesh.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element. props are attributes, but for class, text, and on: {event: f}. */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** Makes an element of a drawing. */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(el, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, f] of Object.entries(value)) el.addEventListener(event, f);
    else if (name === "text") el.textContent = value;
    else el.setAttribute(name, value === true ? "" : value);
  }
  el.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

/** Sets an element's text if it is another one, so that a selection in it stays. */
export function setText(el, text) {
  if (el.textContent !== String(text)) el.textContent = text;
  return el;
}

/** Sets or, for undefined, removes an attribute. */
export function setAttr(el, name, value) {
  if (value === undefined || value === null || value === false) el.removeAttribute(name);
  else if (el.getAttribute(name) !== String(value)) el.setAttribute(name, value);
  return el;
}

const kept = new WeakMap(); // of a parent: its children by key

/**
 * Makes parent's children those of items: one each, which stays the same element as
 * long as its key is there. So what is focused, selected or scrolled to survives the
 * update each second.
 */
export function keyed(parent, items, key, make, update = () => {}) {
  const before = kept.get(parent) ?? new Map();
  const now = new Map();
  for (const item of items) {
    const k = key(item);
    if (now.has(k)) continue;
    now.set(k, before.get(k) ?? make(item));
  }
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  for (const [k, el] of before) if (!now.has(k)) el.remove();
  let next = parent.firstChild;
  for (const item of items) {
    const el = now.get(key(item));
    if (el === next) next = next.nextSibling;
    else if (el.parentNode !== parent || next !== null) parent.insertBefore(el, next);
    update(el, item);
  }
  kept.set(parent, now);
  // An element that was moved has lost the focus, though it is still there.
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

/** Replaces what is in an element. */
export function show(el, ...children) {
  kept.delete(el);
  el.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return el;
}
