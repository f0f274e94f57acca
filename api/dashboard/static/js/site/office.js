/** Asks the service now and then if a controller is in office, and says so when none is. */

import { write } from "../base/dom.js";
import { send } from "../base/http.js";

const PERIOD_MS = 3000;
const NOBODY = 503;

export class Office {
  /** `banner` is shown while nobody plans; `isLive` says if the service is heard at all. */
  constructor(banner, isLive) {
    this.banner = banner;
    this.isLive = isLive;
    this.ask();
    setInterval(() => this.ask(), PERIOD_MS);
  }

  async ask() {
    if (document.hidden) return;
    let reason = "";
    try {
      await send("readyz");
    } catch (error) {
      if (error.status === NOBODY) reason = error.message;
    }
    // A service that is away says nothing about its controller; the header says that it is away.
    this.banner.hidden = reason === "" || !this.isLive();
    if (reason) write(this.banner, `Nothing is planned: ${reason}. New runs are accepted and wait; agents go on with the work that they have.`);
  }
}
