// Why a run, or one of its links, is judged as it is: causes first, then what each witness said, then what happened.
import { why as askWhy } from "../net/api.js";
import { badge, element, fill, muted } from "../ui/dom.js";
import { plural } from "../ui/format.js";

const NAMED = 12; // links that a cause names

export class WhyPart {
  /** `ofTheRun()` returns the events that are of the run as a whole and have a cause. */
  constructor(id, ofTheRun) {
    this.id = id;
    this.ofTheRun = ofTheRun;
    this.link = null;
    this.isAsked = false;
    this.told = new Map(); // link → what was told last, for when the server has gone
    this.node = element("section", {}, muted("Loading …"));
  }

  show(link) {
    this.link = link;
    this.isAsked = true;
    this.#load();
  }

  /** The run is over, with this result: what it says is kept, as the server of a run on one machine ends with it. */
  end(result) {
    const links = result.links.map((each) => ({ ...each, link: each.name }));
    this.told.set(null, { ...result, links: links.filter((each) => each.verdict && each.verdict !== "ok") });
    for (const each of links) this.told.set(each.link, each);
    if (this.isAsked) this.#load();
  }

  async #ask(link) {
    const told = await askWhy(this.id, link);
    this.told.set(link, told);
    return told;
  }

  async #load() {
    const { link } = this;
    let found;
    try {
      found = await this.#ask(link);
    } catch (error) {
      found = this.told.get(link);
      if (link === this.link && !found) fill(this.node, muted(`Why cannot be told: ${error.message}.`));
    }
    if (link === this.link && found) fill(this.node, link ? this.#ofLink(found) : this.#ofRun(found));
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
      this.ofTheRun().map((event) => element("p", {}, element("b", {}, event.event), ` ${event.cause}`)),
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
      ...(told.lines ? [element("h3", {}, "What happened"), element("pre", { class: "lines", tabindex: "0" }, told.lines.join("\n"))] : []),
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
