// A run: its head, its links, its events, why it is as it is, and its files; live while it goes on.
import { follow } from "../net/follow.js";
import { element, fill } from "../ui/dom.js";
import { useKeys } from "../ui/keys.js";
import { EventsPart } from "./events_part.js";
import { FilesPart } from "./files_part.js";
import { LinkPart } from "./link_part.js";
import { Matrix } from "./matrix.js";
import { RunHead } from "./run_head.js";
import { WhyPart } from "./why_part.js";

const TABS = { links: "Links", events: "Events", why: "Why", files: "Files" };

export function showRun(main, me, id, rest) {
  return new RunView(main, me, id, rest);
}

class RunView {
  constructor(main, me, id, rest) {
    this.id = id;
    this.link = null;
    this.tab = "";
    this.state = null;
    this.head = new RunHead(me, id);
    this.matrix = new Matrix((link) => this.go("links", link));
    this.linkPart = new LinkPart(id);
    this.events = new EventsPart();
    this.why = new WhyPart(id, () => this.events.ofTheRun());
    this.files = new FilesPart(id);
    this.parts = {
      links: element("div", {}, this.matrix.node, this.linkPart.node),
      events: this.events.node, why: this.why.node, files: this.files.node,
    };
    this.tabs = element("div", { role: "tablist", "aria-label": "parts of the run", keydown: (event) => this.#onTabKey(event) },
      Object.entries(TABS).map(([name, words]) => element("a", {
        role: "tab", id: `tab-${name}`, href: this.#address(name), "aria-controls": `part-${name}`,
      }, words)));
    for (const [name, node] of Object.entries(this.parts)) {
      Object.entries({ role: "tabpanel", id: `part-${name}`, "aria-labelledby": `tab-${name}` })
        .forEach(([key, value]) => node.setAttribute(key, value));
    }
    fill(main, this.head.node, this.tabs, ...Object.values(this.parts));
    this.endKeys = useKeys("Run", this.#keys());
    this.isOpening = true;
    this.follow(rest);
    this.isOpening = false;
    this.stream = this.#open();
  }

  /** Shows the part that the rest of the address means. */
  follow(rest) {
    const [tab = "links", link = null] = rest;
    this.#showTab(tab in TABS ? tab : "links");
    if (this.tab === "links") this.#showLink(link);
    if (this.tab === "why") this.why.show(link);
    if (this.tab === "files") this.files.load();
  }

  go(tab, link = null) {
    location.hash = this.#address(tab, link);
  }

  close() {
    this.endKeys();
    this.stream.close();
    this.linkPart.close();
    this.head.close();
  }

  #address(tab, link = null) {
    const parts = ["runs", this.id, ...(link ? [tab, link] : tab === "links" ? [] : [tab])];
    return `#/${parts.map(encodeURIComponent).join("/")}`;
  }

  #open() {
    return follow({
      state: (told) => this.#onState(told),
      matrix: (told) => this.#onMatrix(told),
      sample: (told) => this.linkPart.add(told),
      event: (told) => this.#onEvents(told),
      dropped: () => this.linkPart.load(), // the server left something out, as this page was too slow for it
      error: (told) => this.head.showTrouble(told.error),
    }, {
      id: this.id,
      given: () => ({ links: this.link, after: this.events.next || null }),
      back: () => this.linkPart.load(),
    });
  }

  #onState(told) {
    const wasOver = this.state === null || this.state.info.verdict;
    this.state = told;
    this.head.show(told);
    this.linkPart.setState(told);
    if (!wasOver && told.info.verdict) { // what the end brings: verdicts, certificates, files
      this.linkPart.load();
      if (told.result) this.why.end(told.result);
      if (this.files.isAsked) this.files.load();
    }
  }

  #onMatrix(told) {
    this.matrix.update(told.links, this.state?.lateness_budget_ns ?? 0);
    if (!this.link && this.tab === "links") this.#showLink(null);
    const row = told.links.find((each) => each.link === this.link);
    if (row) this.linkPart.setRow(row, this.matrix.health(row));
  }

  #onEvents(told) {
    this.events.add(told);
    if (told.events.some((event) => event.event === "scenario.changed" && event.link === this.link)) this.linkPart.load();
  }

  #showTab(tab) {
    this.tab = tab;
    for (const name of Object.keys(TABS)) {
      const node = this.tabs.querySelector(`#tab-${name}`);
      node.setAttribute("aria-selected", String(name === tab));
      node.setAttribute("tabindex", name === tab ? "0" : "-1");
      this.parts[name].hidden = name !== tab;
    }
    this.events.setShown(tab === "events");
    this.linkPart.setShown(tab === "links");
  }

  /** Without a name, the worst of the links. */
  #showLink(name) {
    const link = name ?? this.link ?? this.matrix.worst();
    if (!link || link === this.link) return;
    this.link = link;
    this.matrix.mark(link);
    this.linkPart.show(link);
    const row = this.matrix.rows.get(link);
    if (row) this.linkPart.setRow(row, this.matrix.health(row));
    if (!this.isOpening) {
      this.stream.close();
      this.stream = this.#open();
    }
  }

  #onTabKey(event) {
    const names = Object.keys(TABS);
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const next = names[(names.indexOf(this.tab) + by + names.length) % names.length];
    this.go(next);
    this.#showTab(next);
    this.tabs.querySelector(`#tab-${next}`).focus();
  }

  #keys() {
    const names = Object.keys(TABS);
    const tabs = Object.fromEntries(names.map((name, at) => [String(at + 1), [TABS[name].toLowerCase(), () => this.go(name)]]));
    return {
      ...tabs,
      n: ["the next link that is not well", () => this.#goTo(this.matrix.nextUnwell())],
      j: ["next link", () => this.#goTo(this.matrix.neighbour(1))],
      k: ["link before", () => this.#goTo(this.matrix.neighbour(-1))],
      w: ["why this link is as it is", () => this.go("why", this.link)],
      c: ["cancel the run (operators; it asks first)", () => this.head.cancel()],
      ...this.linkPart.keys(),
    };
  }

  #goTo(link) {
    if (link) this.go("links", link);
  }
}
