// A figure of a link: its caption, and a chart for each direction.
import { element, fill, setText } from "../ui/dom.js";
import { duration } from "../ui/format.js";
import { Chart } from "./chart.js";

const DIRECTIONS = { up: "up: client → server", down: "down: server → client" };

export class Figure {
  constructor(figure, hear) {
    this.figure = figure;
    this.hear = hear;
    this.charts = {};
    this.shape = "";
    this.says = { up: element("span", { class: "says" }), down: element("span", { class: "says" }) };
    this.node = element("figure", {});
    this.node.dataset.figure = figure.name;
  }

  close() {
    for (const chart of Object.values(this.charts)) chart.close();
    this.charts = {};
    this.shape = "";
  }

  /** Draws both directions over `range`; `pointed_s` is where somebody points, or null. */
  draw(both, range, budget_ns, pointed_s) {
    const series = this.figure.shown(both) ? this.figure.series(both) : [];
    this.#build(series, budget_ns);
    if (!series.length) return;
    const high = this.#high(both, range, budget_ns);
    for (const direction of Object.keys(DIRECTIONS)) this.charts[direction].draw(both[direction], range, high);
    this.say(both, range, pointed_s);
  }

  /** Says what was asked and measured where somebody points, else at the newest instant that is shown. */
  say(both, range, pointed_s) {
    for (const direction of Object.keys(DIRECTIONS)) {
      const curves = both[direction];
      const t_s = pointed_s ?? Math.min(range[1], curves.last_s ?? range[1]);
      const when = pointed_s === null ? "" : `${t_s.toFixed(2)} s: `;
      setText(this.says[direction], when + this.figure.say(curves.at(t_s)));
    }
  }

  /** Makes the charts anew where there is another kind of thing to draw. */
  #build(series, budget_ns) {
    const shape = `${series.map((each) => each.name)} ${budget_ns}`;
    if (shape === this.shape) return;
    this.close();
    this.shape = shape;
    const { figure } = this;
    const title = element("b", {}, `${figure.title}. `);
    this.node.classList.toggle("empty", !series.length);
    if (!series.length) {
      this.node.hidden = figure.nothing === null;
      fill(this.node, element("figcaption", {}, title, figure.nothing));
      return;
    }
    this.node.hidden = false;
    const places = Object.fromEntries(Object.keys(DIRECTIONS).map((direction) => [direction, element("div", { class: "chart" })]));
    fill(this.node, element("figcaption", {}, title, this.#keys(series, budget_ns)),
      Object.entries(DIRECTIONS).flatMap(([direction, words]) => [
        element("p", { class: "direction" }, element("span", {}, `${words}, ${figure.unit}`), this.says[direction]),
        places[direction],
      ]));
    for (const direction of Object.keys(DIRECTIONS)) {
      this.charts[direction] = new Chart(places[direction], figure, series, budget_ns, this.hear);
    }
  }

  #keys(series, budget_ns) {
    const { figure } = this;
    const keys = [
      figure.askedWords ? ["asked", figure.askedWords] : null,
      ...series.map((each) => [each.key, each.words]),
      figure.bandWords ? ["band", figure.bandWords] : null,
      figure.budget && budget_ns ? ["budget", `what the 99th percentile of the whole run may be, ${duration(budget_ns)}`] : null,
    ].filter(Boolean);
    return [
      ...keys.flatMap(([key, words], at) => [element("span", { class: `key ${key}` }), words + (at < keys.length - 1 ? ", " : ". ")]),
      figure.more ?? "",
    ];
  }

  /** The top of the axis: a little above all that is shown. */
  #high(both, range, budget_ns) {
    const { figure } = this;
    const names = this.#names();
    let highest = figure.budget && budget_ns ? budget_ns : 0;
    for (const curves of Object.values(both)) {
      const { columns, from, to } = curves.slice(names, ...range);
      if (this.#isLayered()) {
        for (let at = 0; at < to - from; at++) highest = Math.max(highest, columns.reduce((sum, column) => sum + (column[at] ?? 0), 0));
      } else {
        for (const column of columns) for (const value of column) if (value > highest) highest = value;
      }
      if (figure.asked) for (const value of curves.steps(figure.asked, ...range)[1]) if (value > highest) highest = value;
    }
    return figure.log ? (3 * Math.max(highest, figure.least * 10)) / figure.size : (highest * 1.08 || 1) / figure.size;
  }

  #isLayered() {
    return ["drops", "path"].includes(this.figure.name);
  }

  #names() {
    return [...this.shape.split(" ")[0].split(","), ...(this.figure.band ?? []).filter(Boolean)].filter(Boolean);
  }
}
