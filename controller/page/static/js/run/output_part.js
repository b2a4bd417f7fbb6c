// What a link's workloads write, as it comes; shown as text, never as markup.
import { output as askOutput } from "../net/api.js";
import { badge, element, fill, setText } from "../ui/dom.js";

const EVERY_MS = 1000;
const MOST_CHARACTERS = 200000; // that are kept of a stream; a file has all of it
const PARTS = 20; // that are asked for one after the other before the page is drawn again

export class OutputPart {
  constructor(id) {
    this.id = id;
    this.link = null;
    this.panels = [];
    this.isShown = true;
    this.isOver = false;
    this.node = element("section", { class: "workloads", hidden: true });
    this.timer = setInterval(() => this.#look(), EVERY_MS);
  }

  close() {
    clearInterval(this.timer);
  }

  setShown(isShown) {
    this.isShown = isShown;
  }

  setOver(isOver) {
    for (const panel of this.panels) panel.isOver = isOver;
    this.isOver = isOver;
  }

  /** `workloads` are {name, at, command, cause, status}. */
  show(link, workloads) {
    if (link === this.link && workloads.length === this.panels.length) {
      this.panels.forEach((panel, at) => panel.tell(workloads[at]));
      return;
    }
    this.link = link;
    this.panels = workloads.map((workload) => new Panel(this.id, link, workload));
    this.setOver(this.isOver);
    this.node.hidden = !workloads.length;
    fill(this.node, element("h3", {}, "Workloads"), this.panels.map((panel) => panel.node));
    this.#look();
  }

  #look() {
    if (!this.isShown || document.body.classList.contains("stale")) return;
    for (const panel of this.panels) panel.look();
  }
}

/** One workload: its two streams, of which one is shown. */
class Panel {
  constructor(id, link, workload) {
    Object.assign(this, { id, link, name: workload.name, stream: "stdout", isAsking: false, isOver: false });
    this.offsets = { stdout: 0, stderr: 0 };
    this.ended = { stdout: false, stderr: false };
    this.texts = { stdout: "", stderr: "" };
    this.state = element("span");
    this.text = element("pre", { tabindex: "0", "aria-label": `output of ${workload.name}` });
    this.nothing = element("p", { class: "muted" }, "It has written nothing yet.");
    const choose = element("select", { "aria-label": `stream of ${workload.name}`, change: () => this.#choose(choose.value) },
      ["stdout", "stderr"].map((name) => element("option", {}, name)));
    this.node = element("details", { open: true, toggle: () => this.look() },
      element("summary", {}, element("b", {}, workload.name), ` at the ${workload.at} `, this.state),
      element("div", { class: "head" }, element("code", { class: "command" }, workload.command), element("span", { class: "push" }), choose),
      this.nothing, this.text);
    this.tell(workload);
  }

  tell(workload) {
    const words = workload.cause || (workload.status === null || workload.status === undefined ? "" : workload.status >= 0 ? `exit status ${workload.status}` : "ended with the run");
    if (words === this.words) return;
    this.words = words;
    fill(this.state, workload.cause ? element("span", { class: "cause" }, words) : words && badge(words, "ended"));
  }

  async look() {
    const { stream } = this;
    if (this.isAsking || this.ended[stream] || !this.node.open) return;
    this.isAsking = true;
    try {
      for (let part = 0; part < PARTS; part++) {
        const told = await askOutput(this.id, this.link, this.name, stream, this.offsets[stream]);
        this.ended[stream] = told.ended;
        if (told.next === this.offsets[stream]) break;
        this.offsets[stream] = told.next;
        this.texts[stream] = (this.texts[stream] + told.text).slice(-MOST_CHARACTERS);
      }
    } catch (error) { // it is asked for again; the connection says what is wrong
      if (this.isOver && error.status === 0) this.ended[stream] = true; // the server of a run ends with it
    }
    this.isAsking = false;
    this.#draw();
  }

  #choose(stream) {
    this.stream = stream;
    this.#draw();
    this.look();
  }

  /** Shows the newest, unless somebody reads further up. */
  #draw() {
    const text = this.texts[this.stream];
    const isAtEnd = this.text.scrollTop + this.text.clientHeight >= this.text.scrollHeight - 8;
    setText(this.text, text);
    this.text.hidden = !text;
    this.nothing.hidden = Boolean(text);
    setText(this.nothing, this.ended[this.stream] ? "It wrote nothing." : "It has written nothing yet.");
    if (isAtEnd) this.text.scrollTop = this.text.scrollHeight;
  }
}
