// Asks the daemon that this page came from. All it answers is JSON.

import { token, refused } from "./token.js";

/** What went wrong with a request: status is that of HTTP, 0 if nothing answered. */
export class ApiError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** The URL of a path of the API. The page may be below some prefix of a proxy. */
export function url(path, params = {}) {
  const u = new URL(`api/v1/${path}`, document.baseURI);
  u.hash = "";
  u.search = "";
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") u.searchParams.set(name, value);
  }
  return u;
}

/** Begins a request; the answer's body is still to be read. Fails with ApiError. */
export async function open(path, params, signal) {
  for (;;) {
    const used = token();
    let answer;
    try {
      answer = await fetch(url(path, params), { signal, headers: used ? { Authorization: `Bearer ${used}` } : {} });
    } catch (err) {
      if (signal?.aborted) throw err;
      throw new ApiError(0, "the daemon does not answer");
    }
    if (answer.status === 401) {
      await refused(used, signal); // until there is another token
      continue;
    }
    if (!answer.ok) throw new ApiError(answer.status, await reason(answer));
    return answer;
  }
}

/** Returns what a path answers. Fails with ApiError. */
export async function get(path, params, signal) {
  return (await open(path, params, signal)).json();
}

async function reason(answer) {
  try {
    return (await answer.json()).error ?? answer.statusText;
  } catch {
    return `status ${answer.status}`;
  }
}
