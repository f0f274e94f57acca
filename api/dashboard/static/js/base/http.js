/** Requests to the service that served this page, with a token if one was given. */

/** The service's answer to a request that it refused (problem+json). */
export class Problem extends Error {
  constructor(status, title) {
    super(title);
    this.status = status;
  }
}

const KEY = "fjord.token";

/** Keep a token for as long as this tab lives. */
export function setToken(secret) {
  sessionStorage.setItem(KEY, secret);
}

/** Whether requests carry a token. */
export function hasToken() {
  return Boolean(sessionStorage.getItem(KEY));
}

/** Send a request; anything but success becomes a `Problem`. */
export async function send(path, options = {}) {
  const secret = sessionStorage.getItem(KEY);
  const headers = { ...options.headers, ...(secret ? { Authorization: `Bearer ${secret}` } : {}) };
  const response = await fetch(path, { ...options, headers });
  if (!response.ok) throw await problem(response);
  return response;
}

/** Get JSON. */
export async function get(path) {
  return (await send(path)).json();
}

/** Save a JSON answer as a file. A link alone would not carry the token. */
export async function save(path, name) {
  const address = URL.createObjectURL(await (await send(path)).blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

async function problem(response) {
  let words = response.statusText || `status ${response.status}`;
  try {
    const body = await response.json();
    words = body.detail || body.title || words;
  } catch {
    // Not JSON: something between us and the service answered.
  }
  return new Problem(response.status, words);
}
