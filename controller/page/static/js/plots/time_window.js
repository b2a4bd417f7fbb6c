// Which time the plots show: the newest that comes, or a piece that somebody froze or zoomed into. Pure.

export const SPANS_S = [10, 30, 120, 600, Infinity];

export class TimeWindow {
  constructor() {
    this.span_s = 30;
    this.last_s = 0; // the newest that was measured
    this.first_s = 0;
    this.frozen = null; // [from, to]
  }

  get isFrozen() {
    return this.frozen !== null;
  }

  /** [from, to], in seconds after T0. */
  get range() {
    if (this.frozen) return this.frozen;
    const to = Math.max(this.last_s, this.first_s + 1);
    if (this.span_s === Infinity) return [Math.min(0, this.first_s), to];
    return to < this.span_s ? [0, this.span_s] : [to - this.span_s, to];
  }

  follow(span_s = this.span_s) {
    this.span_s = span_s;
    this.frozen = null;
  }

  freeze() {
    this.frozen = this.range;
  }

  zoom(from_s, to_s) {
    if (to_s - from_s >= 1e-4) this.frozen = [from_s, to_s];
  }

  /** Around its middle: 0.5 shows half as much time. */
  scale(factor) {
    const [from, to] = this.range;
    const half = Math.max(1e-3, ((to - from) / 2) * factor);
    this.zoom((from + to) / 2 - half, (from + to) / 2 + half);
  }

  /** By a part of what is shown; to the left if negative. */
  shift(part) {
    const [from, to] = this.range;
    this.zoom(from + part * (to - from), to + part * (to - from));
  }
}
