// A table that stays as it is while its rows change: sorted by any column, filtered by any word, empty in words.
import { button, element, fill, muted, setText } from "./dom.js";
import { plural } from "./format.js";

const FILTERED = 8; // rows from which a filter is worth its place
const MOST = 500; // rows that are shown

/**
 * Columns are {name, text(row)} and, if wanted, `number(row)` to sort by, `cell(row)` in place of the text, `head`,
 * `title(row)` and `class`. A column without any text is not shown.
 */
export class Table {
  constructor(what, columns, { key, open = null, nothing = () => muted("Nothing."), sort = null, act = null }) {
    Object.assign(this, { what, columns, key, open, nothing, act });
    this.rows = null;
    this.sort = sort; // {column, down}
    this.drawn = new Map(); // key → {row, texts}
    this.filter = element("input", { type: "search", placeholder: "filter", "aria-label": `filter ${what}`, input: () => this.draw() });
    this.counted = element("span", { class: "muted counted" });
    this.body = element("tbody");
    this.head = element("tr");
    this.place = element("div", { class: "table" }, muted("Loading …"));
    this.shape = "";
  }

  get length() {
    return this.rows?.length ?? 0;
  }

  /** The heading, the filter and the table. */
  part(title) {
    return [element("div", { class: "head" }, element("h2", {}, title), this.counted, this.filter), this.place];
  }

  show(rows) {
    this.rows = rows;
    this.draw();
  }

  draw() {
    if (!this.rows) return;
    this.filter.hidden = this.rows.length < FILTERED && !this.filter.value;
    setText(this.counted, this.rows.length ? String(this.rows.length) : "");
    if (!this.rows.length) {
      this.shape = "";
      fill(this.place, this.nothing());
      return;
    }
    const shown = this.columns.filter((column) => column.cell || column.number || this.rows.some((row) => column.text(row)));
    this.#head(shown);
    const rows = this.#chosen();
    this.#body(rows.slice(0, MOST), shown);
    const hidden = rows.length - MOST;
    setText(this.foot, rows.length ? (hidden > 0 ? `… and ${plural(hidden, "more row")}` : "") : "Nothing matches the filter.");
  }

  #chosen() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const texts = (row) => this.columns.map((column) => column.text(row)).join(" ").toLowerCase();
    const found = words.length ? this.rows.filter((row) => words.every((word) => texts(row).includes(word))) : [...this.rows];
    if (!this.sort) return found;
    const { column, down } = this.sort;
    const value = column.number ?? column.text;
    const order = (a, b) => (column.number ? value(a) - value(b) : String(value(a)).localeCompare(String(value(b)), "en", { numeric: true }));
    return found.sort((a, b) => (down ? -order(a, b) : order(a, b)));
  }

  #head(columns) {
    const shape = `${columns.map((column) => column.name)} ${this.sort?.column.name} ${this.sort?.down}`;
    if (shape === this.shape) return;
    this.shape = shape;
    this.drawn.clear();
    fill(this.head, columns.map((column) => {
      const sorted = this.sort?.column === column ? (this.sort.down ? "descending" : "ascending") : null;
      return element("th", { scope: "col", class: cellClass(column), "aria-sort": sorted },
        button([column.name, sorted ? element("span", { "aria-hidden": "true" }, this.sort.down ? " ↓" : " ↑") : ""].flat(), () => this.#sortBy(column)));
    }));
    this.foot = element("p", { class: "muted" });
    fill(this.place, element("div", { class: "scroll" }, element("table", { "aria-label": this.what }, element("thead", {}, this.head), this.body)), this.foot);
    fill(this.body);
  }

  #sortBy(column) {
    const again = this.sort?.column === column;
    this.sort = again && this.sort.down ? null : { column, down: again };
    this.draw();
  }

  /** Makes rows that are new or whose texts changed, and leaves the others: focus and selection stay. */
  #body(rows, columns) {
    const kept = new Map();
    const wanted = rows.map((row) => {
      const texts = columns.map((column) => column.text(row)).join("\u0000");
      let drawn = this.drawn.get(this.key(row));
      if (drawn?.texts !== texts) drawn = { texts, node: this.#row(row, columns, drawn?.node) };
      kept.set(this.key(row), drawn);
      return drawn.node;
    });
    this.drawn = kept;
    const now = this.body.children;
    if (now.length === wanted.length && wanted.every((node, at) => now[at] === node)) return;
    const focused = document.activeElement;
    fill(this.body, wanted);
    if (focused instanceof HTMLElement && this.body.contains(focused)) focused.focus();
  }

  #row(row, columns, node = null) {
    const hadFocus = node?.contains(document.activeElement) ?? false;
    const made = node ?? element("tr");
    fill(made, columns.map((column) => {
      const content = column.cell ? column.cell(row) : column.text(row);
      const opened = column.head && this.open ? element("a", { class: "row", href: this.open(row) }, content) : content;
      return element(column.head ? "th" : "td", { scope: column.head ? "row" : null, class: cellClass(column), title: column.title?.(row) }, opened);
    }));
    if (hadFocus) made.querySelector("a, button")?.focus();
    return made;
  }
}

function cellClass(column) {
  return [column.number ? "number" : "", column.class ?? ""].filter(Boolean).join(" ") || null;
}
