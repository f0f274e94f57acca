/** Short messages, and the question before a run is cancelled. */

import { write } from "../base/dom.js";
import { send } from "../base/http.js";

const TOAST_MS = 6000;
const find = (id) => document.getElementById(id);

/** Say something for a while. */
export function toast(words) {
  const element = find("toast");
  write(element, words);
  element.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { element.hidden = true; }, TOAST_MS);
}

/** Ask before a run is cancelled, then cancel it. */
export function cancel(run) {
  const dialog = find("confirm");
  write(find("confirm-title"), `Cancel ${run.run}?`);
  write(find("confirm-text"), `Of ${run.workload}. Its running operations are stopped, its waiting ones dropped; results made so far are deleted.`);
  find("confirm-no").onclick = () => dialog.close();
  find("confirm-yes").onclick = () => {
    dialog.close();
    end(run.run);
  };
  dialog.showModal();
}

async function end(run) {
  try {
    await send(`v1/runs/${encodeURIComponent(run)}`, { method: "DELETE" });
    toast(`${run} is being cancelled.`);
  } catch (error) {
    toast(`${run} was not cancelled: ${error.message}`);
  }
}
