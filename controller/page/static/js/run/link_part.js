// One link of a run: what it is, its plots, and what its workloads say.
import { askCurves } from "../plots/ask_curves.js";
import { Plots } from "../plots/plots.js";
import { badge, element, fill, muted, setText } from "../ui/dom.js";
import { count, duration, rate, size } from "../ui/format.js";
import { OutputPart } from "./output_part.js";

/** What holds at this moment. */
function now(row) {
  return {
    "row in force": `${row.row + 1} of ${row.rows}`,
    "delay asked": duration(row.delay_ns),
    "rate asked": row.rate_bps === null ? "unlimited" : rate(row.rate_bps),
    "carried up": rate(row.up_bps),
    "carried down": rate(row.down_bps),
    queue: size(row.queue_bytes),
  };
}

/** What was counted since the start. */
function counted(row) {
  return { dropped: count(row.dropped), marked: count(row.marked), lost: count(row.lost), "lateness p99": duration(row.lateness_p99_ns) };
}

export class LinkPart {
  constructor(id) {
    this.id = id;
    this.link = null;
    this.isOver = false;
    this.isTold = false; // how the run is
    this.isShown = true;
    this.isLoading = false;
    this.waiting = []; // samples that came before the curves
    this.title = element("h2", {}, "");
    this.state = element("span");
    this.whyLink = element("a", { class: "button" }, "Why");
    this.facts = element("dl", { class: "now" });
    this.described = element("p", { class: "muted" });
    this.error = element("p", { class: "cause" });
    this.plots = new Plots(id);
    this.output = new OutputPart(id);
    this.node = element("section", { class: "link", hidden: true },
      element("div", { class: "head" }, this.title, this.state, element("span", { class: "push" }), this.whyLink),
      this.error, this.described, this.facts, this.plots.node, this.output.node);
  }

  close() {
    this.plots.close();
    this.output.close();
  }

  setShown(isShown) {
    this.isShown = isShown;
    this.plots.setShown(isShown);
    this.output.setShown(isShown);
  }

  setState(told) {
    const isFirst = !this.isTold;
    this.isTold = true;
    this.isOver = Boolean(told.info.verdict);
    this.output.setOver(this.isOver);
    if (isFirst && this.isOver) this.plots.showWhole(); // its curves may have come before this was known
  }

  /** Shows the link that is called so. */
  show(link) {
    if (link === this.link) return;
    this.link = link;
    this.node.hidden = false;
    setText(this.title, link);
    this.whyLink.href = `#/runs/${encodeURIComponent(this.id)}/why/${encodeURIComponent(link)}`;
    fill(this.facts);
    fill(this.state);
    this.shape = "";
    this.load();
  }

  /** Asks for its curves anew: at first, after a break, after a change, and when there are too many points. */
  async load() {
    const { link } = this;
    if (!link) return;
    this.isLoading = true;
    try {
      const told = await askCurves(this.id, link);
      if (link !== this.link) return;
      setText(this.error, "");
      setText(this.described, told.described ?? "");
      this.plots.show(told, this.isOver);
      this.output.show(link, told.workloads ?? []);
      for (const each of this.waiting.splice(0)) this.plots.add(each);
    } catch (error) {
      if (link === this.link) setText(this.error, `The telemetry of ${link} could not be read: ${error.message}.`);
    } finally {
      this.isLoading = link !== this.link;
    }
  }

  add(told) {
    if (told.link !== this.link) return;
    if (this.isLoading) {
      this.waiting.push(told);
      return;
    }
    this.plots.add(told);
    if (this.plots.isLong) this.load();
  }

  /** What the matrix says of it now. */
  setRow(row, health) {
    const word = row.verdict || row.state;
    if (this.shape !== word + health) {
      this.shape = word + health;
      fill(this.state, badge(word, health), ` on ${row.host}`);
    }
    this.#facts({ ...(row.verdict ? {} : now(row)), ...counted(row) });
    setText(this.error, row.cause || "");
  }

  #facts(told) {
    if (this.facts.children.length !== Object.keys(told).length) {
      fill(this.facts, Object.keys(told).map((name) => element("div", {}, element("dt", {}, name), element("dd", {}))));
    }
    Object.values(told).forEach((words, at) => setText(this.facts.children[at].lastChild, words));
  }

  keys() {
    return this.plots.keys();
  }
}
