// The head of a run: what it is, how it is, how far it is, and what can be done with it.
import { cancel, fileAddress } from "../net/api.js";
import { badge, button, element, fill, setText } from "../ui/dom.js";
import { duration, plural, span } from "../ui/format.js";
import { confirm, notice } from "../ui/keys.js";

export class RunHead {
  constructor(me, id) {
    this.me = me;
    this.id = id;
    this.told = null;
    this.told_ms = 0;
    this.title = element("h1", {}, id);
    this.state = element("span", { role: "status" });
    this.time = element("span", { class: "time" });
    this.bar = element("progress", { "aria-label": "scenario time", hidden: true });
    this.facts = element("p", { class: "muted" });
    this.cause = element("p", { class: "cause" });
    this.cancelButton = button("Cancel run …", () => this.cancel(), { class: "danger", hidden: true });
    this.report = element("a", { class: "button", href: fileAddress(id, "report.html"), target: "_blank", rel: "noopener", hidden: true }, "Report");
    this.node = element("section", { class: "run-head" },
      element("div", { class: "head" }, this.title, this.state, this.time, this.bar, element("span", { class: "push" }), this.report, this.cancelButton),
      this.facts, this.cause);
    this.timer = setInterval(() => this.#tick(), 250);
  }

  close() {
    clearInterval(this.timer);
  }

  /** `told` is the run's state as `plctl show --json` has it. */
  show(told) {
    this.told = told;
    this.told_ms = Date.now();
    const { info } = told;
    setText(this.title, info.name || this.id);
    const word = info.verdict || info.phase;
    if (this.word !== word) fill(this.state, badge((this.word = word), info.verdict || "goes-on"));
    const facts = [info.run, plural(info.links, "link"), info.hosts.length > 3 ? plural(info.hosts.length, "host") : `on ${info.hosts.join(", ")}`,
      info.submitted_by ? `by ${info.submitted_by}` : "", told.result?.t0_utc ? `T0 ${told.result.t0_utc}` : ""];
    setText(this.facts, facts.filter(Boolean).join(" · "));
    setText(this.cause, info.verdict === "ok" ? "" : told.waits || info.cause || "");
    this.cause.classList.toggle("waits", !info.verdict);
    this.cancelButton.hidden = Boolean(info.verdict) || info.phase === "done" || info.phase === "broken off" || !this.me.can_cancel;
    this.report.hidden = !info.verdict;
    this.#tick();
  }

  showTrouble(words) {
    setText(this.cause, words);
  }

  /** Asks, and then has the run cancelled. */
  async cancel() {
    if (this.cancelButton.hidden || this.cancelButton.disabled) return;
    const wanted = await confirm("Cancel this run?",
      `${this.told.info.name} (${this.id}) ends in good order, on all of its hosts. What was measured so far stays; its verdict will be cancelled.${this.me.source === "study" ? " The study then begins it anew." : ""}`,
      "Cancel the run", "Let it go on");
    if (!wanted) return;
    this.cancelButton.disabled = true;
    try {
      await cancel(this.id);
    } catch (error) {
      notice(`The run was not cancelled: ${error.message}.`);
    }
    this.cancelButton.disabled = false;
  }

  /** Scenario time goes on between what the server says, while it is heard. */
  #tick() {
    if (!this.told || document.body.classList.contains("stale")) return;
    const { info, t0_ns, now_ns, duration_ns } = this.told;
    const isOver = Boolean(info.verdict);
    if (!t0_ns) {
      setText(this.time, "");
      this.bar.hidden = true;
      return;
    }
    if (isOver) {
      setText(this.time, duration_ns ? `asked for ${duration(duration_ns)}` : "");
      this.bar.hidden = true;
      return;
    }
    const elapsed_s = (now_ns - t0_ns) / 1e9 + (Date.now() - this.told_ms) / 1000;
    if (elapsed_s < 0) {
      setText(this.time, `starts in ${Math.ceil(-elapsed_s)} s`);
      return;
    }
    const shown_s = duration_ns ? Math.min(elapsed_s, duration_ns / 1e9) : elapsed_s;
    setText(this.time, duration_ns ? `${span(shown_s)} of ${span(duration_ns / 1e9)}` : `since ${span(shown_s)}`);
    this.bar.hidden = !duration_ns;
    this.bar.max = Math.max(1, duration_ns / 1e9);
    this.bar.value = shown_s;
  }
}
