// The first view: who is there, what runs, what studies stand.
import { runs as askRuns } from "../net/api.js";
import { follow } from "../net/follow.js";
import { badge, button, code, element, fill, muted } from "../ui/dom.js";
import { ago, count, duration, plural, size, span } from "../ui/format.js";
import { notice, useKeys } from "../ui/keys.js";
import { Table } from "../ui/table.js";

const MORE = 50; // runs that are asked for at once

export function showOverview(main, me) {
  const agents = new Table("agents", AGENT_COLUMNS, { key: (agent) => agent.name, nothing: () => noAgents(me) });
  const runs = new Table("runs", RUN_COLUMNS, {
    key: (run) => run.run, open: (run) => `#/runs/${encodeURIComponent(run.run)}`, nothing: noRuns,
  });
  const studies = new Table("studies", STUDY_COLUMNS, {
    key: (study) => study.study, open: (study) => `#/studies/${encodeURIComponent(study.study)}`, nothing: noStudies,
  });
  const more = button("Older runs …", loadOlder, { hidden: true });
  const agentPart = element("section", { id: "agents" }, agents.part("Agents"));
  fill(main, element("h1", { class: "hidden" }, "Overview"), me.source === "controller" ? agentPart : null,
    element("section", { id: "runs" }, runs.part("Runs"), more),
    element("section", { id: "studies" }, studies.part("Studies")));

  let newest = [];
  let older = [];
  function drawRuns() {
    const known = new Set(newest.map((run) => run.run));
    runs.show([...newest, ...older.filter((run) => !known.has(run.run))]);
    more.hidden = newest.length < 20 || runs.length % MORE > 0 && older.length > 0;
  }
  async function loadOlder() {
    more.disabled = true;
    try {
      older = (await askRuns(runs.length + MORE)).runs;
      drawRuns();
    } catch (error) {
      notice(`Older runs could not be listed: ${error.message}.`);
    }
    more.disabled = false;
  }

  const stream = follow({
    agents: (told) => agents.show(told.agents),
    runs: (told) => {
      newest = told.runs;
      drawRuns();
    },
    studies: (told) => studies.show(told.studies ?? told),
  });
  const endKeys = useKeys("Overview", {
    j: ["next row", () => moveRow(main, 1)],
    k: ["row before", () => moveRow(main, -1)],
  });
  return () => {
    endKeys();
    stream.close();
  };
}

/** Moves the focus among the rows that can be opened. */
function moveRow(main, by) {
  const links = [...main.querySelectorAll("a.row")];
  const at = links.indexOf(document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
}

const AGENT_COLUMNS = [
  { name: "agent", text: (a) => a.name, head: true },
  { name: "state", text: agentState, cell: (a) => badge(agentState(a), a.connected ? "connected" : "silent") },
  { name: "clock bound", number: (a) => (a.bound_ns < 0 ? Infinity : a.bound_ns), text: clockBound, title: (a) => a.clock_source },
  { name: "links", number: (a) => a.links, text: (a) => count(a.links) },
  { name: "memory free", number: (a) => a.memory_bytes, text: (a) => size(a.memory_bytes) },
  { name: "packets/s in use", number: (a) => share(a), text: packets, cell: capacity },
  { name: "runs", text: (a) => a.runs.join(", ") || "–" },
  { name: "version", text: (a) => a.version },
];

function agentState(agent) {
  return agent.connected ? "connected" : `silent for ${span(agent.silent_ns / 1e9)}`;
}

function clockBound(agent) {
  return agent.bound_ns < 0 ? "not known" : `± ${duration(agent.bound_ns)}`;
}

function share(agent) {
  return agent.packets_per_s ? agent.packets_per_s_taken / agent.packets_per_s : 0;
}

function packets(agent) {
  return `${count(agent.packets_per_s_taken)} of ${count(agent.packets_per_s)}`;
}

function capacity(agent) {
  const label = `${packets(agent)} packets/s in use`;
  return [`${packets(agent)} `, element("meter", { min: 0, max: 1, high: 0.9, ".value": Math.min(1, share(agent)), "aria-label": label })];
}

const RUN_COLUMNS = [
  { name: "run", text: (r) => r.run, head: true },
  { name: "state", text: runWord, cell: (r) => badge(runWord(r), r.verdict || "goes-on") },
  { name: "links", number: (r) => r.links, text: (r) => count(r.links) },
  { name: "hosts", text: (r) => (r.hosts.length > 4 ? plural(r.hosts.length, "host") : r.hosts.join(", ")), title: (r) => r.hosts.join(", ") },
  { name: "by", text: (r) => r.submitted_by || "–" },
  { name: "submitted", number: (r) => -Date.parse(r.submitted_utc), text: (r) => ago(r.submitted_utc), title: (r) => r.submitted_utc },
  { name: "cause", text: (r) => r.cause, class: "wide" },
  { name: "labels", text: (r) => Object.entries(r.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", "), class: "wide" },
];

function runWord(run) {
  return run.verdict || run.phase;
}

const STUDY_COLUMNS = [
  { name: "study", text: (s) => s.study, head: true },
  { name: "goes on", text: (s) => (s.goes_on ? "yes" : "no") },
  { name: "done", number: done, text: (s) => `${done(s)} of ${s.runs} runs`, cell: progress },
  { name: "not ok", number: (s) => s.counts["not ok"] ?? 0, text: (s) => count(s.counts["not ok"] ?? 0) },
  { name: "running", number: (s) => s.counts.running ?? 0, text: (s) => count(s.counts.running ?? 0) },
  { name: "left", number: (s) => s.left_ns ?? 0, text: (s) => (s.left_ns && s.goes_on ? `about ${span(s.left_ns / 1e9)}` : "–") },
];

function done(study) {
  return (study.counts.ok ?? 0) + (study.counts["not ok"] ?? 0);
}

function progress(study) {
  const words = `${done(study)} of ${study.runs} runs`;
  return [`${words} `, element("progress", { max: Math.max(1, study.runs), ".value": done(study), "aria-label": words })];
}

function noAgents(me) {
  const where = me.place ? ` to ${me.place}` : "";
  return muted(`No agent is connected${where}. Start one on a host: `, code("plctl agent --controller tcp://HOST:PORT"));
}

function noRuns() {
  return muted("There is no run yet. Start one: ", code("plctl run SPEC"));
}

function noStudies() {
  return muted("There is no study here. Run one: ", code("plctl study run STUDY.yaml"));
}
