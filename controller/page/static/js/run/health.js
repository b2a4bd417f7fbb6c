// Says whether something is wrong with a link, from its row of the matrix: pure, and the same words everywhere.
import { count, duration } from "../ui/format.js";

/** Worst first. Each has a name, a sign for eyes that tell no colours apart, and words for a legend. */
export const HEALTHS = [
  { name: "bad", sign: "×", words: "failed, or the machine lost frames" },
  { name: "warn", sign: "!", words: "late or skewed" },
  { name: "odd", sign: "?", words: "unproven, simulated or cancelled" },
  { name: "waiting", sign: "·", words: "not started" },
  { name: "well", sign: "", words: "as asked" },
];

const BY_VERDICT = {
  failed: "bad", overloaded: "bad", late: "warn", skewed: "warn", unproven: "odd", simulated: "odd", cancelled: "odd", ok: "well",
};
const BAD_STATES = new Set(["failed", "not_started"]);
const WAITING_STATES = new Set(["waiting", "built", "ready", "preparing", "open"]);

/** The name of its health. `budget_ns` is what the 99th percentile of lateness may be. */
export function healthOf(row, budget_ns) {
  if (row.verdict) return BY_VERDICT[row.verdict] ?? "bad";
  if (row.state in BY_VERDICT) return BY_VERDICT[row.state];
  if (row.cause || row.lost > 0 || BAD_STATES.has(row.state)) return "bad";
  if (isLate(row, budget_ns)) return "warn";
  return WAITING_STATES.has(row.state) ? "waiting" : "well";
}

function isLate(row, budget_ns) {
  return budget_ns > 0 && row.lateness_p99_ns !== null && row.lateness_p99_ns > budget_ns;
}

/** What is wrong with it, in words; empty if nothing is. */
export function trouble(row, budget_ns) {
  if (row.cause) return row.cause;
  if (row.lost > 0) return `the machine lost ${count(row.lost)} frames`;
  if (isLate(row, budget_ns)) return `lateness p99 ${duration(row.lateness_p99_ns)}, budget ${duration(budget_ns)}`;
  return "";
}

/** Orders rows, the worst first, and those that are as bad as each other by name. */
export function byBadness(budget_ns) {
  const rank = (row) => HEALTHS.findIndex((health) => health.name === healthOf(row, budget_ns));
  return (a, b) => rank(a) - rank(b) || b.lost - a.lost || (b.lateness_p99_ns ?? -1) - (a.lateness_p99_ns ?? -1) || byName(a, b);
}

export function byName(a, b) {
  return a.link.localeCompare(b.link, "en", { numeric: true });
}

export function byHost(a, b) {
  return a.host.localeCompare(b.host, "en", { numeric: true }) || byName(a, b);
}
