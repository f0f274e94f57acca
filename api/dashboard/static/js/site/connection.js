/** The connection to the service: what it sends goes to the state, and the header says how it stands. */

import { write } from "../base/dom.js";
import { clock } from "../base/format.js";
import { hasToken, setToken } from "../base/http.js";
import { follow } from "../base/stream.js";

const find = (id) => document.getElementById(id);
let heard_at_ms = null;

/** Whether the service is heard now. */
export function isLive() {
  return find("live").dataset.status === "live";
}

/** Follow the service for ever; where it wants a token, ask for one. */
export function connect(state) {
  const reconnect = follow("v1/events", {
    event: (name, data) => {
      if (name === "view") state.apply(JSON.parse(data));
      else if (name === "run") state.applyRun(JSON.parse(data));
    },
    live: () => {
      heard_at_ms = Date.now();
      find("token").hidden = true;
      show("live", "live");
    },
    lost: () => show("stale", heard_at_ms === null ? "cannot reach the service, trying again" : `stale since ${clock(1000 * heard_at_ms)}, reconnecting`),
    refused: (error) => {
      show("stale", hasToken() ? error.message : "a token is needed");
      find("token").hidden = false;
      find("secret").focus();
    },
  });
  find("token").addEventListener("submit", (event) => {
    event.preventDefault();
    setToken(find("secret").value.trim());
    reconnect();
  });
}

function show(status, words) {
  find("live").dataset.status = status;
  write(find("live").querySelector(".words"), words);
}
