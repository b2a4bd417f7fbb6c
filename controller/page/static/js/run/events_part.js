// The log of a run, as it comes: newest last, filtered by any word, at the end as long as nobody scrolls up.
import { element, fill, muted, setText } from "../ui/dom.js";
import { plural } from "../ui/format.js";

const MOST = 500; // lines that are shown

export class EventsPart {
  constructor() {
    this.events = [];
    this.next = 0; // where the server is to go on
    this.isShown = false;
    this.isStale = false;
    this.filter = element("input", { type: "search", placeholder: "filter by any word", "aria-label": "filter events", input: () => this.#draw() });
    this.counted = element("p", { class: "muted", role: "status" });
    this.body = element("tbody");
    this.scroll = element("div", { class: "scroll log", tabindex: "0", role: "region", "aria-label": "events" },
      element("table", {}, element("thead", {}, element("tr", {},
        ["after T0", "host", "link", "event", "facts"].map((name) => element("th", { scope: "col" }, name)))), this.body));
    this.empty = muted("Nothing has happened yet.");
    this.node = element("section", {}, element("div", { class: "head" }, element("h2", {}, "Events"), this.filter), this.counted, this.scroll, this.empty);
  }

  add(told) {
    this.events.push(...told.events);
    this.next = told.next;
    if (this.isShown) this.#draw();
    else this.isStale = true;
  }

  /** What the log says of the run as a whole that has a cause: who cancelled it, for example. */
  ofTheRun() {
    return this.events.filter((event) => event.event.startsWith("run.") && event.event !== "run.judged" && event.cause);
  }

  setShown(isShown) {
    this.isShown = isShown;
    if (isShown) this.#draw();
  }

  #draw() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length ? this.events.filter((event) => words.every((word) => textOf(event).includes(word))) : this.events;
    const shown = found.slice(-MOST);
    const hidden = found.length - shown.length;
    this.scroll.hidden = !this.events.length;
    this.empty.hidden = Boolean(this.events.length);
    setText(this.counted, hidden ? `The last ${MOST} of ${plural(found.length, "event")} are shown; events.jsonl has all.` : `${plural(found.length, "event")}${words.length ? " match" : ""}`);
    const isAtEnd = this.scroll.scrollTop + this.scroll.clientHeight >= this.scroll.scrollHeight - 8;
    fill(this.body, shown.map(line));
    if (isAtEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}

function textOf(event) {
  return `${event.host ?? ""} ${event.link ?? ""} ${event.event} ${event.text ?? ""}`.toLowerCase();
}

function line(event) {
  const after = event.after_t0_s;
  const when = after === null || after === undefined ? String(event.ts ?? "").slice(11, 23) : `${after >= 0 ? "+" : "−"}${Math.abs(after).toFixed(3)} s`;
  const isBad = Boolean(event.cause);
  return element("tr", { class: isBad ? "wrong" : null },
    element("td", { class: "number", title: event.ts ?? null }, when), element("td", {}, event.host ?? ""), element("td", {}, event.link ?? ""),
    element("td", {}, event.event), element("td", { class: "wide" }, event.text ?? ""));
}
