// Follows the server: one stream of events at a time, opened again with growing pauses when it breaks.

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15000;
const SILENT_MS = 12000; // the server speaks at least every 5 s

/**
 * A stream that comes back, until the server says `end`. `address` is asked anew for each attempt; `handlers` is
 * {event: function(document)}, of which `error` is what the server says is wrong; `tell` hears {state: "connecting" |
 * "live" | "lost" | "over", since_ms, next_ms}.
 */
export class Stream {
  constructor(address, handlers, tell) {
    this.address = address;
    this.handlers = handlers;
    this.tell = tell;
    this.pause_ms = FIRST_PAUSE_MS;
    this.heard_ms = 0; // when something came last; 0: never
    this.source = null;
    this.timer = 0;
    this.isClosed = false;
    this.watch = setInterval(() => this.#look(), 1000);
    this.open();
  }

  /** Opens it now, whatever the pause. */
  open() {
    clearTimeout(this.timer);
    this.source?.close();
    if (this.isClosed) return;
    if (!this.heard_ms) this.tell({ state: "connecting" });
    this.opened_ms = Date.now();
    const source = new EventSource(this.address());
    this.source = source;
    source.addEventListener("error", (event) => source === this.source && this.#onError(event));
    source.addEventListener("end", () => source === this.source && this.#end());
    for (const name of ["ping", ...Object.keys(this.handlers).filter((name) => name !== "error")]) {
      source.addEventListener(name, (message) => source === this.source && this.#take(name, message));
    }
  }

  close() {
    this.isClosed = true;
    clearInterval(this.watch);
    clearTimeout(this.timer);
    this.source?.close();
  }

  #take(name, message) {
    this.heard_ms = Date.now();
    this.pause_ms = FIRST_PAUSE_MS;
    this.tell({ state: "live" });
    this.handlers[name]?.(JSON.parse(message.data));
  }

  /** An event of the server's that is called so, or one of the browser's: the connection broke. */
  #onError(event) {
    if (event.data === undefined) this.#fail();
    else this.handlers.error?.(JSON.parse(event.data));
  }

  #end() {
    this.close();
    this.tell({ state: "over" });
  }

  #fail() {
    this.source.close();
    this.source = null;
    clearTimeout(this.timer);
    const wait_ms = this.pause_ms * (0.75 + Math.random() / 2); // so that many pages do not come back at once
    this.pause_ms = Math.min(2 * this.pause_ms, LONGEST_PAUSE_MS);
    this.timer = setTimeout(() => this.open(), wait_ms);
    this.tell({ state: "lost", since_ms: this.heard_ms, next_ms: Date.now() + wait_ms });
  }

  #look() {
    if (this.source && Date.now() - Math.max(this.heard_ms, this.opened_ms) > SILENT_MS) this.#fail();
  }
}
