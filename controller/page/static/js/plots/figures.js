// Which plots a link has: what each draws, in the words and colours of the report (controller/report/link_part.py).
import { count, duration, rate, size } from "../ui/format.js";

const MS = 1e6;
const LEAST_LATENESS_NS = 100; // below it the logarithmic axis ends

/** A line of values, or a filled area; `colour` names one in css/colours.css, `key` is the mark before its words. */
function line(name, words, colour, key) {
  return { kind: "line", name, words, colour, key };
}

const DROPS = [
  { name: "queue_full", colour: "measured", key: "drop", words: "packets that found the emulated queue full" },
  { name: "managed", colour: "worse", key: "managed", words: "packets dropped so that the queue stays short" },
  { name: "lost", colour: "bad", key: "lost", words: "packets that the machine lost, which nobody asked for" },
];
const PATH = [
  { name: "marked", colour: "measured", key: "drop", words: "packets that the queue marked with CE" },
  { name: "random_loss", colour: "asked", key: "path", words: "packets that the path lost at random" },
  { name: "corrupted", colour: "worse", key: "managed", words: "packets in which it flipped a bit" },
  { name: "duplicated", colour: "muted", key: "copies", words: "packets that it sent twice" },
];

function total(both, name) {
  return both.up.total(name) + both.down.total(name);
}

function layers(kinds) {
  return (both) => kinds.filter((kind) => total(both, kind.name)).map((kind) => ({ ...kind, kind: "layer" }));
}

function layerWords(kinds) {
  return (now) => kinds.filter((kind) => now[kind.name]).map((kind) => `${count(now[kind.name])} ${kind.name.replace("_", " ")}`).join(", ") || "none";
}

/**
 * {title, unit, size: what a value is divided by, series(both), band: [low, high], asked: column, log, shown(both),
 * nothing: the sentence if not shown, say(values): what is said of an instant}.
 */
export const FIGURES = [
  {
    name: "delay", title: "Delay", unit: "ms", size: MS, asked: "delay_ns", band: ["transit_min_ns", "transit_p99_ns"],
    askedWords: "propagation delay asked for", bandWords: "its minimum to 99th percentile",
    series: () => [line("transit_p50_ns", "time packets spent in the link, median", "measured", "measured")],
    more: "What lies above the broad line is time in the queue and in service. Dotted: the route changes.",
    shown: () => true, routes: true,
    say: (now) => `asked ${duration(now.delay_ns)}, median ${duration(now.transit_p50_ns)}, p99 ${duration(now.transit_p99_ns)}`,
  },
  {
    name: "rate", title: "Rate", unit: "Mbit/s", size: 1e6, asked: "rate_bps", band: ["carried_min_bps", "carried_max_bps"],
    askedWords: "bottleneck rate asked for", series: () => [line("carried_bps", "rate carried", "measured", "measured")],
    more: "A link carries what it is offered, up to what was asked for.",
    shown: () => true,
    say: (now) => `asked ${now.rate_bps === null ? "unlimited" : rate(now.rate_bps)}, carried ${rate(now.carried_bps)}`,
  },
  {
    name: "queue", title: "Queue", unit: "kB", size: 1e3, band: [null, "queue_bytes"],
    series: (both) => [
      line("queue_bytes", "bytes waiting at the bottleneck at the end of each interval", "measured", "measured"),
      ...(total(both, "average_bytes") ? [line("average_bytes", "their average, by which RED decides", "worse", "worse")] : []),
    ],
    shown: (both) => total(both, "queue_bytes") > 0, nothing: "empty at the end of every interval.",
    say: (now) => size(now.queue_bytes),
  },
  {
    name: "drops", title: "Drops", unit: "packets", size: 1, series: layers(DROPS), shown: (both) => layers(DROPS)(both).length > 0,
    nothing: "no packet was dropped by the queue, and none was lost by the machine.", say: layerWords(DROPS),
  },
  {
    name: "path", title: "Marks and random losses", unit: "packets", size: 1, series: layers(PATH),
    shown: (both) => layers(PATH)(both).length > 0, nothing: null, // as in the report: nothing is said where there was nothing
    say: layerWords(PATH),
  },
  {
    name: "management", title: "Queue management", unit: "%", size: 0.01,
    series: () => [line("aqm_share", "the probability with which the queue drops or marks, or 100 % while it is dropping", "measured", "measured")],
    shown: (both) => total(both, "aqm_share") > 0, nothing: null, // likewise
    say: (now) => (now.aqm_share === null || now.aqm_share === undefined ? "–" : `${(100 * now.aqm_share).toPrecision(3)} %`),
  },
  {
    name: "lateness", title: "Lateness", unit: "logarithmic", size: 1e3, log: true, least: LEAST_LATENESS_NS, budget: true,
    more: "How long after its computed time a packet left.",
    series: () => [
      line("lateness_max_ns", "maximum", "muted", "max"),
      line("lateness_p99_ns", "99th percentile", "worse", "worse"),
      line("lateness_p50_ns", "median", "measured", "measured"),
    ],
    shown: (both) => total(both, "lateness_max_ns") > 0, nothing: "no packet was delivered.",
    say: (now) => `median ${duration(now.lateness_p50_ns)}, p99 ${duration(now.lateness_p99_ns)}, max ${duration(now.lateness_max_ns)}`,
  },
];
