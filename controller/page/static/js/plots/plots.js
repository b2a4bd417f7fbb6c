// All plots of one link: they show the same time, follow what comes, freeze, and zoom.
import { link as askLink } from "../net/api.js";
import { button, element, fill, muted, setText } from "../ui/dom.js";
import { span } from "../ui/format.js";
import { onTheme } from "../ui/theme.js";
import { MOST_ROWS, POINTS } from "./ask_curves.js";
import { Curves } from "./curves.js";
import { Figure } from "./figure.js";
import { FIGURES } from "./figures.js";
import { SPANS_S, TimeWindow } from "./time_window.js";

const DRAW_MS = 200;

export class Plots {
  constructor(id) {
    this.id = id;
    this.link = null;
    this.both = null; // {up, down}
    this.detail = null; // the same of what is zoomed into
    this.window = new TimeWindow();
    this.budget_ns = 0;
    this.pointed_s = null;
    this.isShown = true;
    this.timer = 0;
    const hear = { onZoom: (from, to) => this.#zoom(from, to), onReset: () => this.follow(), onPoint: (t_s) => this.#point(t_s) };
    this.figures = FIGURES.map((figure) => new Figure(figure, hear));
    this.freezeButton = button("Freeze", () => this.toggle(), { "aria-pressed": "false" });
    this.spans = element("select", { "aria-label": "time that is followed", change: () => this.follow(SPANS_S[this.spans.selectedIndex]) },
      SPANS_S.map((span_s) => element("option", { ".selected": span_s === this.window.span_s }, span_s === Infinity ? "whole run" : `last ${span(span_s)}`)));
    this.says = element("span", { class: "muted" });
    this.tools = element("div", { class: "head plot-tools", role: "group", "aria-label": "time of the plots" }, this.freezeButton, this.spans,
      button("−", () => this.scale(2), { "aria-label": "zoom out" }), button("+", () => this.scale(0.5), { "aria-label": "zoom in" }), this.says);
    this.place = element("div", { class: "figures" }, this.figures.map((figure) => figure.node));
    this.empty = muted("");
    this.node = element("div", {}, this.tools, this.empty, this.place);
    this.endTheme = onTheme(() => this.#rebuild());
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.detailTimer);
    this.endTheme();
    for (const figure of this.figures) figure.close();
  }

  /** Shows what the server told of a link; `isOver`: nothing more comes, so that the whole run is shown. */
  show(told, isOver) {
    const isOther = told.link !== this.link;
    this.link = told.link;
    this.budget_ns = told.lateness_budget_ns ?? 0;
    this.both = { up: new Curves(told.up), down: new Curves(told.down) };
    if (isOther) {
      this.follow(isOver ? Infinity : this.window.span_s);
    }
    this.#measure();
    this.#soon();
  }

  add(told) {
    if (told.link !== this.link || !this.both) return;
    const added = this.both.up.add(told.up) + this.both.down.add(told.down);
    if (!added) return;
    this.#measure();
    if (!this.window.isFrozen) this.#soon();
    else this.#say();
  }

  /** Whether there are so many intervals that the older ones are better asked for folded. */
  get isLong() {
    return this.both !== null && Math.max(this.both.up.length, this.both.down.length) > MOST_ROWS;
  }

  setShown(isShown) {
    this.isShown = isShown;
    if (isShown) this.#soon();
  }

  toggle() {
    if (this.window.isFrozen) this.follow();
    else {
      this.window.freeze();
      this.#soon();
    }
  }

  follow(span_s = this.window.span_s) {
    this.window.follow(span_s);
    this.spans.selectedIndex = SPANS_S.indexOf(span_s);
    this.detail = null;
    this.#soon();
  }

  /** All of a run that is over, unless somebody has frozen a part already. */
  showWhole() {
    if (!this.window.isFrozen) this.follow(Infinity);
  }

  scale(factor) {
    this.window.scale(factor);
    this.#zoom(...this.window.range);
  }

  shift(part) {
    this.window.shift(part);
    this.#zoom(...this.window.range);
  }

  keys() {
    return {
      " ": ["freeze the plots, or follow again", () => this.toggle()],
      "+": ["zoom in", () => this.scale(0.5)],
      "-": ["zoom out", () => this.scale(2)],
      0: ["follow again, as before the zoom", () => this.follow()],
      ArrowLeft: ["earlier", () => this.shift(-0.25)],
      ArrowRight: ["later", () => this.shift(0.25)],
    };
  }

  #zoom(from_s, to_s) {
    this.window.zoom(from_s, to_s);
    this.#soon();
    clearTimeout(this.detailTimer);
    this.detailTimer = setTimeout(() => this.#askDetail(), DRAW_MS); // one question for many steps
  }

  /** Asks for what was folded away of the time that is shown. */
  async #askDetail() {
    if (!this.window.isFrozen) return;
    const { link } = this;
    const range = this.window.range;
    try {
      const told = await askLink(this.id, link, { from_s: range[0].toFixed(6), to_s: range[1].toFixed(6), points: 2 * POINTS });
      if (link !== this.link || this.window.range !== range) return; // somebody went on
      this.detail = { range, both: { up: new Curves(told.up), down: new Curves(told.down) } };
      this.#soon();
    } catch { /* what is here is shown, though coarser */ }
  }

  #point(t_s) {
    if (t_s === this.pointed_s || !this.both) return;
    this.pointed_s = t_s;
    for (const figure of this.figures) if (!figure.node.hidden && figure.shape) figure.say(this.#drawn(), this.window.range, t_s);
  }

  #measure() {
    const ends = Object.values(this.both).map((curves) => curves.last_s ?? 0);
    this.window.last_s = Math.max(0, ...ends);
    this.window.first_s = Math.min(0, ...Object.values(this.both).map((curves) => curves.measured.start_s[0] ?? 0));
  }

  #drawn() {
    return this.detail && this.window.isFrozen && this.detail.range === this.window.range ? this.detail.both : this.both;
  }

  #rebuild() {
    for (const figure of this.figures) figure.close();
    this.#soon();
  }

  /** Draws a moment later, however often it is asked to. */
  #soon() {
    if (this.timer || !this.isShown) return;
    const wait_ms = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : DRAW_MS;
    this.timer = setTimeout(() => requestAnimationFrame(() => this.#draw()), this.drawnOnce ? wait_ms : 0);
  }

  #draw() {
    this.timer = 0;
    if (!this.both || !this.isShown) return;
    this.drawnOnce = true;
    const isEmpty = !this.both.up.length && !this.both.down.length;
    this.place.hidden = isEmpty;
    this.tools.hidden = isEmpty;
    setText(this.empty, isEmpty ? "There is no telemetry of this link yet; plots begin at T0." : "");
    this.#say();
    if (isEmpty) return;
    for (const figure of this.figures) figure.draw(this.#drawn(), this.window.range, this.budget_ns, this.pointed_s);
  }

  #say() {
    const { isFrozen, range, last_s } = this.window;
    this.freezeButton.setAttribute("aria-pressed", String(isFrozen));
    setText(this.freezeButton, isFrozen ? "Follow" : "Freeze");
    const newer_s = last_s - range[1];
    const newer = newer_s > 0.5 ? `; ${span(newer_s)} of newer telemetry not shown` : "";
    setText(this.says, isFrozen ? `${range[0].toFixed(2)} s to ${range[1].toFixed(2)} s${newer}` : "drag over a plot to zoom");
  }
}
