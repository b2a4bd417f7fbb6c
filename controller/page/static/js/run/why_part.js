// Why a run, or one of its links, is judged as it is: causes first, then what each witness said, then what happened.
import { why as askWhy } from "../net/api.js";
import { badge, element, fill, muted } from "../ui/dom.js";
import { plural } from "../ui/format.js";

const NAMED = 12; // links that a cause names

export class WhyPart {
  /** `choose(link)` shows why a link is as it is; null goes back to the run. */
  constructor(id, choose) {
    this.id = id;
    this.choose = choose;
    this.link = null;
    this.isAsked = false;
    this.node = element("section", {}, muted("Loading …"));
  }

  show(link) {
    this.link = link;
    this.isAsked = true;
    this.load();
  }

  /** Asks anew, if somebody looks. */
  async load() {
    if (!this.isAsked) return;
    const { link } = this;
    try {
      const told = await askWhy(this.id, link);
      if (link === this.link) fill(this.node, link ? this.#ofLink(told) : this.#ofRun(told));
    } catch (error) {
      if (link === this.link) fill(this.node, muted(`Why cannot be told: ${error.message}.`));
    }
  }

  #ofRun(told) {
    const about = new Map(); // verdict and cause → links
    for (const link of told.links) {
      const key = `${link.verdict}\u0000${link.cause}`;
      about.set(key, [...(about.get(key) ?? []), link]);
    }
    const causes = [...about.values()].map((links) => element("li", {},
      badge(links[0].verdict || "no verdict", links[0].verdict), " ", links[0].cause || "no cause is told",
      element("span", { class: "muted" }, ` · ${plural(links.length, "link")}: `), this.#names(links)));
    const head = told.verdict
      ? [badge(told.verdict), ` ${told.cause || (told.verdict === "ok" ? "Every witness was heard, and none objects." : "")}`]
      : ["The run goes on; it has no verdict yet."];
    return [
      element("h2", {}, "Why"), element("p", {}, head),
      causes.length ? element("ul", { class: "causes" }, causes) : muted("No link is in trouble."),
      muted("Choose a link to see its whole history: press w, or the button Why beside its name."),
    ];
  }

  #names(links) {
    const named = links.slice(0, NAMED).flatMap((link, at) => [at ? ", " : "", this.#toLink(link.link)]);
    return links.length > NAMED ? [...named, ` and ${links.length - NAMED} more`] : named;
  }

  #toLink(link) {
    return element("a", { href: `#/runs/${encodeURIComponent(this.id)}/why/${encodeURIComponent(link)}` }, link);
  }

  #ofLink(told) {
    return [
      element("div", { class: "head" }, element("h2", {}, `Why ${told.link}`), badge(told.verdict || told.state, told.verdict || (told.cause ? "failed" : "goes-on")),
        ` on ${told.host}`, element("span", { class: "push" }),
        element("a", { class: "button", href: `#/runs/${encodeURIComponent(this.id)}/why` }, "All links")),
      told.cause ? element("p", { class: "cause" }, told.cause) : muted(told.verdict === "ok" ? "Nothing speaks against it." : "No cause is told."),
      told.also?.length ? element("ul", {}, told.also.map((each) => element("li", {}, each))) : null,
      this.#certificate(told.certificate ?? []),
      element("h3", {}, "What happened"),
      element("pre", { class: "lines", tabindex: "0" }, (told.lines ?? []).join("\n")),
    ];
  }

  #certificate(statements) {
    if (!statements.length) return null;
    const rows = statements.map((each) => element("tr", { class: each.verdict === "ok" ? null : "wrong" },
      element("th", { scope: "row" }, each.witness), element("td", {}, each.heard ? "heard" : "not heard"),
      element("td", {}, each.verdict === "ok" ? "no objection" : each.verdict), element("td", { class: "wide" }, each.says)));
    return element("div", { class: "scroll" }, element("table", { "aria-label": "certificate" },
      element("thead", {}, element("tr", {}, ["witness", "", "objects", "says"].map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, rows)));
  }
}
