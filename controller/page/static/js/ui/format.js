// Says numbers in the units and the words of the commands (common/base/units.py).

const LARGE = { s: 1e9, ms: 1e6, "µs": 1e3 };

function trim(value, digits) {
  const text = Number(value.toPrecision(digits)).toLocaleString("en", { useGrouping: false, maximumFractionDigits: 3 });
  return text === "-0" ? "0" : text;
}

/** Nanoseconds in the largest unit that keeps them at or above one. */
export function duration(ns, digits = 3) {
  if (ns === null || ns === undefined || Number.isNaN(ns)) return "–";
  for (const [unit, size] of Object.entries(LARGE)) {
    if (Math.abs(ns) >= size) return `${trim(ns / size, Math.abs(ns) >= 1e12 ? 6 : digits)} ${unit}`;
  }
  return `${Math.round(ns)} ns`;
}

/** How long ago or how long still, as somebody who waits wants it. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} days`;
}

/** How long ago, in one unit. */
export function ago(utc) {
  const seconds = (Date.now() - Date.parse(utc)) / 1000;
  return Number.isNaN(seconds) ? "–" : `${span(seconds).replace(/(min|h) .*/, "$1")} ago`;
}

function scaled(value, units, least) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  for (const [unit, size] of units) if (value >= size) return `${trim(value / size, 3)} ${unit}`;
  return `${Math.round(value)} ${least}`;
}

/** Bits a second; null is a rate without a limit where that may be. */
export function rate(bps) {
  return scaled(bps, [["Gbit/s", 1e9], ["Mbit/s", 1e6], ["kbit/s", 1e3]], "bit/s");
}

/** Bytes, in powers of 1000. */
export function size(bytes) {
  return scaled(bytes, [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]], "B");
}

/** A whole number with thin spaces between its thousands. */
export function count(number) {
  if (number === null || number === undefined) return "–";
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");
}

/** "1 link", "3 links". */
export function plural(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}
