// All links of a run as small cells, so that among hundreds the one that is not well is seen at once.
import { element, fill, setText } from "../ui/dom.js";
import { count, duration, plural, rate } from "../ui/format.js";
import { HEALTHS, byBadness, byHost, byName, healthOf, trouble } from "./health.js";

const ORDERS = { "as they are": null, "worst first": byBadness, name: () => byName, host: () => byHost };
const SIGNS = Object.fromEntries(HEALTHS.map((health) => [health.name, health.sign]));

export class Matrix {
  /** `choose(link)` is called for the link that somebody wants to see. */
  constructor(choose) {
    this.choose = choose;
    this.rows = new Map(); // link → row
    this.cells = new Map(); // link → button
    this.budget_ns = 0;
    this.chosen = null;
    this.only = new Set(); // healths that are shown; none: all
    this.order = "as they are";
    this.sentence = element("p", { class: "sentence", role: "status" });
    this.chips = element("div", { class: "chips", role: "group", "aria-label": "show only links that are" });
    this.filter = element("input", { type: "search", placeholder: "link or host", "aria-label": "filter links by name or host", input: () => this.arrange() });
    this.select = element("select", { "aria-label": "order of links", change: () => this.#reorder() },
      Object.keys(ORDERS).map((name) => element("option", {}, name)));
    this.grid = element("div", { class: "matrix", role: "listbox", "aria-label": "links", keydown: (event) => this.#onKey(event) });
    this.about = element("p", { class: "muted about" });
    this.grid.addEventListener("pointerover", (event) => this.#point(event.target));
    this.grid.addEventListener("focusin", (event) => this.#point(event.target));
    this.tools = element("div", { class: "head" }, this.chips, this.filter, element("label", { class: "order" }, "order ", this.select));
    this.node = element("section", { class: "links" }, this.sentence, this.tools, this.grid, this.about);
  }

  /** Takes in rows that are new or have changed. */
  update(rows, budget_ns) {
    const isNewBudget = budget_ns !== this.budget_ns;
    this.budget_ns = budget_ns;
    let isNew = false;
    for (const row of rows) {
      isNew ||= !this.rows.has(row.link);
      this.rows.set(row.link, row);
      this.#paint(row);
    }
    if (isNewBudget) for (const row of this.rows.values()) this.#paint(row);
    this.#summarise();
    if (isNew || this.only.size || this.order === "worst first") this.arrange();
  }

  mark(link) {
    this.cells.get(this.chosen)?.removeAttribute("aria-selected");
    this.chosen = link;
    const cell = this.cells.get(link);
    cell?.setAttribute("aria-selected", "true");
    if (cell) this.#makeTabStop(cell);
  }

  health(row) {
    return healthOf(row, this.budget_ns);
  }

  /** The link after the chosen one that is not well, in the order that is shown; null if there is none. */
  nextUnwell() {
    const shown = [...this.grid.children].map((cell) => this.rows.get(cell.dataset.link));
    const at = shown.findIndex((row) => row.link === this.chosen);
    const turned = [...shown.slice(at + 1), ...shown.slice(0, at + 1)];
    return turned.find((row) => ["bad", "warn"].includes(this.health(row)))?.link ?? null;
  }

  worst() {
    return [...this.rows.values()].sort(byBadness(this.budget_ns))[0]?.link ?? null;
  }

  /** The links before and after the chosen one. */
  neighbour(by) {
    const links = [...this.grid.children].map((cell) => cell.dataset.link);
    return links[Math.min(links.length - 1, Math.max(0, links.indexOf(this.chosen) + by))] ?? null;
  }

  #reorder() {
    this.order = this.select.value;
    this.arrange();
  }

  /** Puts the cells that are wanted in the order that is wanted. */
  arrange() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = [...this.rows.values()].filter((row) =>
      words.every((word) => `${row.link} ${row.host}`.toLowerCase().includes(word))
      && (!this.only.size || this.only.has(this.health(row))));
    const order = ORDERS[this.order];
    if (order) wanted.sort(order(this.budget_ns));
    const nodes = wanted.map((row) => this.cells.get(row.link));
    const now = this.grid.children;
    if (now.length !== nodes.length || nodes.some((node, at) => now[at] !== node)) {
      const focused = document.activeElement;
      fill(this.grid, nodes);
      if (focused instanceof HTMLElement && focused !== document.body && this.grid.contains(focused)) focused.focus();
      this.#makeTabStop(this.cells.get(this.chosen)?.isConnected ? this.cells.get(this.chosen) : nodes[0]);
    }
    this.grid.classList.toggle("few", this.rows.size <= 24);
    this.grid.classList.toggle("many", this.rows.size > 150);
    this.tools.hidden = this.rows.size < 2;
    if (!nodes.length && this.rows.size) setText(this.about, "No link matches the filter.");
  }

  #paint(row) {
    let cell = this.cells.get(row.link);
    if (!cell) {
      cell = element("button", { type: "button", role: "option", tabindex: "-1", click: () => this.choose(row.link) },
        element("span", { class: "sign", "aria-hidden": "true" }), element("span", { class: "name" }, row.link));
      cell.dataset.link = row.link;
      this.cells.set(row.link, cell);
      if (row.link === this.chosen) cell.setAttribute("aria-selected", "true");
    }
    const health = this.health(row);
    if (cell.dataset.health === health) return; // hundreds of cells: only what looks different is touched
    cell.dataset.health = health;
    cell.setAttribute("aria-label", `${row.link} on ${row.host}: ${health === "well" ? row.verdict || row.state : wordsOf(row, health)}`);
    setText(cell.firstChild, SIGNS[health]);
  }

  #makeTabStop(cell) {
    this.grid.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
    cell?.setAttribute("tabindex", "0");
  }

  #point(target) {
    const row = this.rows.get(target.closest?.("[data-link]")?.dataset.link);
    if (!row) return;
    const facts = [`${row.link} on ${row.host}: ${row.verdict || row.state}`, trouble(row, this.budget_ns),
      `up ${rate(row.up_bps)}, down ${rate(row.down_bps)}`, `lateness p99 ${duration(row.lateness_p99_ns)}`,
      `${count(row.dropped)} dropped`, row.marked ? `${count(row.marked)} marked` : "", `${count(row.lost)} lost`];
    setText(this.about, facts.filter(Boolean).join(" · "));
  }

  #onKey(event) {
    const cells = [...this.grid.children];
    const at = cells.indexOf(document.activeElement);
    const columns = cells.filter((cell) => cell.offsetTop === cells[0].offsetTop).length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: cells.length - 1 - at };
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    const next = cells[Math.min(cells.length - 1, Math.max(0, at + steps[event.key]))];
    this.#makeTabStop(next);
    next.focus();
  }

  #summarise() {
    const counts = Object.fromEntries(HEALTHS.map((health) => [health.name, 0]));
    for (const row of this.rows.values()) counts[this.health(row)] += 1;
    const unwell = [...this.rows.values()].filter((row) => ["bad", "warn"].includes(this.health(row))).sort(byBadness(this.budget_ns));
    const all = plural(this.rows.size, "link");
    if (unwell.length) {
      const first = unwell[0];
      const more = unwell.length > 1 ? `; and ${unwell.length - 1} more` : "";
      setText(this.sentence, `${count(unwell.length)} of ${all} not well: ${first.link} on ${first.host}, ${trouble(first, this.budget_ns) || first.verdict || first.state}${more}`);
    } else {
      setText(this.sentence, `${all}, none of them in trouble`);
    }
    this.sentence.classList.toggle("wrong", unwell.length > 0);
    this.#chips(counts);
  }

  #chips(counts) {
    for (const { name, sign, words } of HEALTHS) {
      let chip = this.chips.querySelector(`[data-health=${name}]`);
      if (!chip) {
        chip = element("button", { type: "button", class: "chip", title: words, "aria-pressed": "false", click: () => this.#toggle(name) },
          element("span", { class: "swatch", "aria-hidden": "true" }, sign), element("span", { class: "words" }));
        chip.dataset.health = name;
        this.chips.append(chip);
      }
      chip.hidden = !counts[name] && !this.only.has(name);
      setText(chip.lastChild, `${count(counts[name])} ${words}`);
    }
  }

  #toggle(name) {
    if (!this.only.delete(name)) this.only.add(name);
    for (const chip of this.chips.children) chip.setAttribute("aria-pressed", String(this.only.has(chip.dataset.health)));
    this.arrange();
  }
}

function wordsOf(row, health) {
  return row.cause || row.verdict || (health === "waiting" ? row.state : health === "warn" ? "late" : `${row.state}, frames lost`);
}
