/**
 * The stream of server-sent events, read by `fetch`: unlike EventSource it can carry a token and
 * tells why it was refused.
 */

import { send } from "./http.js";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8000;
/** The service writes at least a comment every 15 s; twice that in silence means it is gone. */
const SILENCE_MS = 35_000;

/**
 * Follow a stream for ever, reconnecting when it ends.
 *
 * @param {string} path
 * @param {object} handlers - `event(name, data)`, `live()`, `lost(error)`, `refused(error)`;
 *   after `refused` it stops until the returned function is called.
 * @returns {function} Connects at once.
 */
export function follow(path, handlers) {
  let delay_ms = FIRST_DELAY_MS;
  let timer = 0;

  async function connect() {
    clearTimeout(timer);
    const abort = new AbortController();
    let error = new Error("the service closed the stream");
    try {
      const response = await send(path, { signal: abort.signal, headers: { Accept: "text/event-stream" } });
      await read(response.body.getReader(), abort, (name, data) => {
        delay_ms = FIRST_DELAY_MS;
        handlers.live();
        handlers.event(name, data);
      });
    } catch (caught) {
      error = caught;
    }
    if (error.status === 401 || error.status === 403) {
      handlers.refused(error);
      return;
    }
    handlers.lost(error);
    timer = setTimeout(connect, delay_ms);
    delay_ms = Math.min(LONGEST_DELAY_MS, 2 * delay_ms);
  }

  connect();
  return () => {
    delay_ms = FIRST_DELAY_MS;
    connect();
  };
}

/** Read a body to its end, handing on each event. */
async function read(reader, abort, handle) {
  const parse = parser(handle);
  const decoder = new TextDecoder();
  for (;;) {
    const watchdog = setTimeout(() => abort.abort(), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(watchdog));
    if (done) return;
    parse(decoder.decode(value, { stream: true }));
  }
}

/** A parser of `text/event-stream` that is fed pieces as they come. */
export function parser(handle) {
  let rest = "";
  let name = "message";
  let data = [];

  function line(text) {
    if (text === "") {
      if (data.length > 0) handle(name, data.join("\n"));
      name = "message";
      data = [];
    } else if (text.startsWith("event:")) name = text.slice(6).trim();
    else if (text.startsWith("data:")) data.push(text.slice(5).trimStart());
  }

  return (piece) => {
    const lines = (rest + piece).split(/\r?\n/);
    rest = lines.pop();
    lines.forEach(line);
  };
}
