// One direction of one figure, drawn by uPlot.
import { duration } from "../ui/format.js";
import { colour } from "../ui/theme.js";

const HEIGHT = 132;
const AXIS_FONT = "11px system-ui, sans-serif";
const MOST_ROUTES = 200;

/** An axis with a line at each power of ten, named as a time. `size` is what nanoseconds were divided by. */
const LOG_AXIS = (size, grid) => {
  const powers = (_, splits) => splits.map((value) => (value && Math.abs(Math.log10(value) % 1) < 1e-6 ? value : null));
  return { filter: powers, grid: { ...grid, filter: powers }, values: (_, ticks) => ticks.map((value) => (value === null ? null : duration(Math.round(value * size)))) };
};

export class Chart {
  /** `onZoom(from_s, to_s)`, `onReset()` and `onPoint(t_s | null)` hear what somebody does with the pointer. */
  constructor(place, figure, series, budget_ns, hear) {
    Object.assign(this, { place, figure, series, budget_ns, hear });
    this.range = [0, 1];
    this.high = 1;
    this.routes = [];
    this.plot = new uPlot(this.#options(), [[0]], place);
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(place);
  }

  close() {
    this.observer.disconnect();
    this.plot.destroy();
  }

  /** Draws `curves` over `range`; `high` is the top of the axis, the same for both directions. */
  draw(curves, range, high) {
    this.range = range;
    this.high = high;
    this.routes = this.figure.routes ? curves.asked.routes.filter(([t_s]) => t_s >= range[0] && t_s <= range[1]).slice(0, MOST_ROUTES) : [];
    this.plot.setData(this.#data(curves), true);
  }

  #fit() {
    const width = this.place.clientWidth;
    if (width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  #data(curves) {
    const { figure } = this;
    const [from, to] = this.range;
    const names = [...this.#bandNames(), ...this.series.map((each) => each.name)];
    const found = curves.slice(names, from, to);
    const scaled = found.columns.map((column) => column.map((value) => this.#value(value)));
    if (this.#isLayered()) return this.#layers(curves, found, scaled);
    const lows = figure.band && figure.band[0] === null ? [found.middle.map(() => 0)] : [];
    const tables = [[found.middle, ...lows, ...scaled]];
    if (figure.asked) {
      const [times, values] = curves.steps(figure.asked, from, to);
      tables.unshift([times, values.map((value) => this.#value(value))]);
    }
    return tables.length > 1 ? uPlot.join(tables) : tables[0];
  }

  /** Each kind lies on those below it; the topmost is drawn first. */
  #layers(curves, found, scaled) {
    const sums = [];
    let below = found.middle.map(() => 0);
    for (const column of scaled) {
      below = column.map((value, at) => below[at] + (value ?? 0));
      sums.push(below);
    }
    const starts = curves.measured.start_s.slice(found.from, found.to);
    const end = curves.measured.end_s[found.to - 1];
    return [[...starts, end ?? 0], ...sums.reverse().map((sum) => [...sum, 0])];
  }

  #value(value) {
    if (value === null || value === undefined) return null;
    return Math.max(value, this.figure.least ?? -Infinity) / this.figure.size;
  }

  #isLayered() {
    return this.series.some((each) => each.kind === "layer");
  }

  #bandNames() {
    return (this.figure.band ?? []).filter((name) => name !== null);
  }

  #options() {
    const { figure } = this;
    const axis = { stroke: colour("muted"), font: AXIS_FONT, grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false } };
    return {
      width: this.place.clientWidth || 480,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 22, 0, 0],
      cursor: {
        sync: { key: "plctl", filters: { pub: (type) => !type.startsWith("mouse") || type === "mousemove" || type === "mouseleave" } }, // a drag is this chart's alone
        y: false, points: { show: false }, drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => () => (this.hear.onReset(), null) },
      },
      scales: {
        x: { time: false, range: () => this.range },
        y: figure.log ? { distr: 3, range: () => [figure.least / figure.size, this.high] } : { range: () => [0, this.high] },
      },
      axes: [
        { ...axis, size: 24, space: 60, values: (_, ticks) => ticks.map((t_s) => `${Number(t_s.toFixed(6))} s`) },
        { ...axis, size: 52, space: 24, ...(figure.log ? LOG_AXIS(figure.size, axis.grid) : { values: (_, ticks) => ticks.map((value) => String(Number(value.toPrecision(6)))) }) },
      ],
      series: [{}, ...this.#series()],
      bands: this.#bands(),
      hooks: {
        draw: [(plot) => this.#mark(plot)],
        setSelect: [(plot) => plot.select.width > 2 && this.#onSelect(plot)],
        setCursor: [(plot) => this.hear.onPoint(plot.cursor.left >= 0 ? plot.posToVal(plot.cursor.left, "x") : null)],
      },
    };
  }

  #onSelect(plot) {
    const { left, width } = plot.select;
    const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.hear.onZoom(from, to);
  }

  #series() {
    if (this.#isLayered()) {
      return [...this.series].reverse().map((each) => ({
        paths: uPlot.paths.stepped({ align: 1 }), width: 0, fill: colour(each.colour), points: { show: false },
      }));
    }
    const invisible = { width: 0, stroke: "transparent", points: { show: false } };
    const asked = { stroke: translucent(colour("asked"), 0.75), width: 4.5, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } };
    return [
      ...(this.figure.asked ? [asked] : []),
      ...(this.figure.band ? [invisible, invisible] : []),
      ...this.series.map((each) => ({ stroke: colour(each.colour), width: 1.4, points: { show: false } })),
    ];
  }

  #bands() {
    if (!this.figure.band) return [];
    const first = this.figure.asked ? 2 : 1;
    return [{ series: [first + 1, first], fill: translucent(colour("measured"), 0.22) }];
  }

  /** T0, changes of route, and the budget. */
  #mark(plot) {
    const { ctx, bbox } = plot;
    const stroke = (x0, y0, x1, y1, name, dash) => {
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.beginPath();
      ctx.strokeStyle = colour(name);
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
      ctx.moveTo(x0, y0);
      ctx.lineTo(x1, y1);
      ctx.stroke();
      ctx.restore();
    };
    const vertical = (t_s, name, dash) => {
      const x = plot.valToPos(t_s, "x", true);
      stroke(x, bbox.top, x, bbox.top + bbox.height, name, dash);
    };
    if (this.range[0] <= 0) vertical(0, "ink", []);
    for (const [t_s] of this.routes) vertical(t_s, "muted", [2, 2]);
    if (this.figure.budget && this.budget_ns) {
      const y = plot.valToPos(this.budget_ns / this.figure.size, "y", true);
      stroke(bbox.left, y, bbox.left + bbox.width, y, "bad", [4, 2]);
    }
  }
}

/** A hexadecimal colour with this opacity. */
function translucent(hexadecimal, opacity) {
  return hexadecimal + Math.round(255 * opacity).toString(16).padStart(2, "0");
}
