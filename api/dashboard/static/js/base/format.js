/** Numbers and times as people read them. All times come in microseconds (`_us`). */

const NOTHING = "–";
const MINUS = "−";

/** Three significant digits, without an exponent. */
function digits(value) {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A span of time: `840 µs`, `12.4 ms`, `3.21 s`, `2 min 05 s`, `1 h 12 min`. */
export function duration(us) {
  if (us === null || us === undefined || !Number.isFinite(us)) return NOTHING;
  if (us < 0) return MINUS + duration(-us);
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 999_500) return `${digits(us / 1e3)} ms`;
  if (us < 59_950_000) return `${digits(us / 1e6)} s`;
  const seconds = Math.round(us / 1e6);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** Length of a span, or null while it has no end. */
export function span(start_us, end_us) {
  return start_us === null || end_us === null ? null : end_us - start_us;
}

/** A difference with its sign: `+12.4 ms`. */
export function difference(us) {
  if (us === null || us === undefined) return NOTHING;
  return us < 0 ? duration(us) : `+${duration(us)}`;
}

/** How far reality was from the prediction: `+8 %`. */
export function deviation(actual_us, predicted_us) {
  if (!predicted_us || actual_us === null || actual_us === undefined) return "";
  const share = Math.round((100 * (actual_us - predicted_us)) / predicted_us);
  return `${share < 0 ? MINUS : "+"}${Math.abs(share)} %`;
}

/** A share between 0 and 1 as `83 %`. */
export function percent(share) {
  if (share === null || share === undefined || !Number.isFinite(share)) return NOTHING;
  const value = 100 * share;
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} %`;
}

/** The time of day, in the reader's zone: `14:03:22`, or `14:03:22.120` with `exact`. */
export function clock(us, exact = false) {
  if (us === null || us === undefined) return NOTHING;
  const date = new Date(us / 1000);
  const text = [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(":");
  return exact ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

/** How long ago, coarse enough not to flicker: `just now`, `12 s ago`, `4 min ago`, then the clock. */
export function ago(us, now_us) {
  const seconds = Math.floor((now_us - us) / 1e6);
  if (seconds < 1) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : clock(us);
}

/** Bytes with binary prefixes: `23.9 GiB`. */
export function bytes(count) {
  if (!count) return NOTHING;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  return `${digits(count / 2 ** (10 * power))} ${units[power]}`;
}

/** A number with so many places, for columns whose head has the unit: `12\u202f345.6`. */
export function fixed(value, places) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  const [whole, fraction] = value.toFixed(places).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return fraction ? `${grouped}.${fraction}` : grouped;
}

/** A deviation or tolerance: `3.1e-6`, `0` when there is none. */
export function small(value) {
  return value === 0 ? "0" : value.toExponential(1);
}

/** `1 run`, `2 runs`. */
export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The value below which `share` of the samples lie (nearest rank). */
export function quantile(samples, share) {
  if (samples.length === 0) return null;
  const ordered = [...samples].sort((a, b) => a - b);
  return ordered[Math.min(ordered.length - 1, Math.ceil(share * ordered.length) - 1)];
}

function pad(number) {
  return String(number).padStart(2, "0");
}
