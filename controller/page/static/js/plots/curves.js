// What one direction of a link was asked and did, as columns that grow while the run goes on. Pure.

/** Where in the ascending `values` the first that is not below `wanted` stands. */
export function firstFrom(values, wanted) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? values[middle - 1] ?? -Infinity) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Curves {
  /** `told` is {asked, measured} as the server tells a direction; see the names in controller/report/series.py. */
  constructor(told) {
    this.asked = told.asked;
    this.measured = told.measured;
  }

  get length() {
    return this.measured.end_s.length;
  }

  /** The end of the newest interval; null if there is none. */
  get last_s() {
    return this.length ? this.measured.end_s[this.length - 1] : null;
  }

  /** Takes in rows that are newer than all that are here; returns how many were. */
  add(columns) {
    const from = this.length ? firstFrom(columns.end_s, this.last_s + 1e-9) : 0;
    const isGap = this.length && columns.start_s[from] > this.last_s + 0.5 * (columns.end_s[from] - columns.start_s[from]);
    if (from < columns.end_s.length && isGap) this.#addGap(columns.start_s[from]);
    for (const [name, values] of Object.entries(this.measured)) {
      for (let at = from; at < columns.end_s.length; at++) values.push(columns[name]?.[at] ?? null);
    }
    return columns.end_s.length - from;
  }

  /** A point without values, so that no line bridges what nobody measured. */
  #addGap(until_s) {
    const from_s = this.last_s;
    for (const [name, values] of Object.entries(this.measured)) {
      values.push(name === "start_s" ? from_s : name === "end_s" ? until_s : null);
    }
  }

  /** These curves until `cut_s`, and from there on `others`'. */
  until(cut_s, others) {
    const mine = firstFrom(this.measured.end_s, cut_s);
    const theirs = firstFrom(others.measured.end_s, cut_s);
    const measured = {};
    for (const [name, values] of Object.entries(this.measured)) {
      measured[name] = [...values.slice(0, mine), ...(others.measured[name] ?? []).slice(theirs)];
    }
    return new Curves({ asked: this.asked, measured });
  }

  /** The columns `names` of the intervals that touch `from_s` to `to_s`, one more on each side, and their middles. */
  slice(names, from_s, to_s) {
    const { start_s, end_s } = this.measured;
    const from = Math.max(0, firstFrom(end_s, from_s) - 1);
    const to = Math.min(this.length, firstFrom(start_s, to_s) + 1);
    const middle = [];
    for (let at = from; at < to; at++) middle.push((start_s[at] + end_s[at]) / 2);
    return { middle, from, to, columns: names.map((name) => (this.measured[name] ?? []).slice(from, to)) };
  }

  /** The steps that are asked for between these times: times and values, held until `to_s`. */
  steps(name, from_s, to_s) {
    const times = this.asked.t_s;
    if (!times.length) return [[], []];
    const from = Math.max(0, firstFrom(times, from_s + 1e-9) - 1);
    const to = firstFrom(times, to_s);
    const chosen = times.slice(from, Math.max(to, from + 1)).map((t_s) => Math.max(t_s, Math.min(from_s, to_s)));
    const values = this.asked[name].slice(from, Math.max(to, from + 1));
    return [[...chosen, to_s], [...values, values[values.length - 1]]];
  }

  /** What was measured in the interval of `t_s`, or in the newest, and what held in its middle: the columns' values. */
  at(t_s) {
    const { start_s, end_s } = this.measured;
    const row = Math.min(this.length - 1, firstFrom(end_s, t_s));
    const held_s = row < 0 ? t_s : Math.min(t_s, (start_s[row] + end_s[row]) / 2); // not of a row that is still to come
    const step = Math.max(0, firstFrom(this.asked.t_s, held_s + 1e-9) - 1);
    const found = {};
    if (row >= 0) for (const [name, values] of Object.entries(this.measured)) found[name] = values[row];
    return { ...found, delay_ns: this.asked.delay_ns[step], rate_bps: this.asked.rate_bps[step] };
  }

  /** How many packets of this kind there were in all that is here. */
  total(name) {
    return (this.measured[name] ?? []).reduce((sum, value) => sum + (value ?? 0), 0);
  }
}
