// A study: how far it is, and each of its cells.
import { cancelStudy, study as askStudy } from "../net/api.js";
import { follow } from "../net/follow.js";
import { badge, button, element, fill, muted, setText } from "../ui/dom.js";
import { count, span } from "../ui/format.js";
import { confirm, notice, useKeys } from "../ui/keys.js";
import { Table } from "../ui/table.js";

export function showStudy(main, me, name) {
  const head = element("span", {}, "Loading …");
  const bar = element("progress", { "aria-label": "runs done", max: 1 });
  const cells = new Table("cells", columns([]), { key: (cell) => cell.cell });
  const end = button("Cancel study …", cancel, { class: "danger", hidden: true });
  fill(main, element("div", { class: "head" }, element("h1", {}, name), element("span", { class: "push" }), end),
    element("p", {}, bar, " ", head), cells.part("Cells"));
  let factors = "";

  async function load() {
    let told;
    try {
      told = await askStudy(name);
    } catch (error) {
      fill(main, element("h1", {}, name), muted(`This study cannot be shown: ${error.message}.`));
      return;
    }
    const done = (told.counts.ok ?? 0) + (told.counts["not ok"] ?? 0);
    bar.max = Math.max(1, told.runs);
    bar.value = done;
    const parts = Object.entries(told.counts).filter(([, number]) => number).map(([word, number]) => `${count(number)} ${word}`);
    const left = told.goes_on && told.left_ns ? `, about ${span(told.left_ns / 1e9)} left` : "";
    setText(head, `${count(done)} of ${count(told.runs)} runs done (${parts.join(", ")})${left}${told.goes_on ? "" : "; nobody carries it now"}`);
    const found = [...new Set(told.cells.flatMap((cell) => Object.keys(cell.values)))];
    if (found.join() !== factors) {
      factors = found.join();
      cells.columns = columns(found);
    }
    cells.show(told.cells);
    end.hidden = !told.goes_on || me.source !== "study" || !me.can_cancel;
  }

  async function cancel() {
    if (end.hidden || end.disabled) return;
    const wanted = await confirm("Cancel this study?",
      `What runs of ${name} ends in good order. What was run so far stays; the same command goes on with the study.`,
      "Cancel the study", "Let it go on");
    if (!wanted) return;
    end.disabled = true;
    try {
      await cancelStudy(name);
    } catch (error) {
      notice(`The study was not cancelled: ${error.message}.`);
      end.disabled = false;
    }
  }

  load();
  const stream = follow({ studies: load });
  const endKeys = useKeys("Study", { c: ["cancel the study, after a question", cancel] });
  return () => {
    endKeys();
    stream.close();
  };
}

function columns(factors) {
  return [
    { name: "number", number: (cell) => cell.number, text: (cell) => String(cell.number), head: true },
    ...factors.map((name) => ({ name, text: (cell) => String(cell.values[name] ?? "") })),
    { name: "repetitions", text: repetitionWords, cell: (cell) => cell.repetitions.map((each) => badge(standing(each), standing(each))) },
    { name: "runs", text: (cell) => runsOf(cell).map((run) => `${run.run} ${run.verdict}`).join(" "), cell: runList, class: "wide" },
  ];
}

function standing(repetition) {
  return String(repetition.standing);
}

function repetitionWords(cell) {
  return cell.repetitions.map(standing).join(" ");
}

function runsOf(cell) {
  return cell.repetitions.flatMap((each) => each.runs ?? []);
}

function runList(cell) {
  const found = runsOf(cell);
  if (!found.length) return "–";
  return found.flatMap((run, at) => [
    at ? ", " : "",
    element("a", { href: `#/runs/${encodeURIComponent(run.run)}` }, run.run),
    run.verdict && run.verdict !== "ok" ? ` (${run.verdict}${run.cause ? `: ${run.cause}` : ""})` : "",
  ]);
}
