import uPlot from 'uplot';

import type { LogEntry } from '../dashboard-state.ts';
import type { Sample } from '../dashboard-events.ts';
import { count, milliseconds } from './format.ts';
import { LEVELS } from './log-view.ts';
import type { Store } from './store.ts';

interface Series {
  readonly label: string;
  /** The name of a colour in the style sheet. */
  readonly colour: string;
  /** Told apart by their dashes, too. */
  readonly dash: number[];
  readonly value: (sample: Sample) => number | undefined;
}

interface ChartOptions {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly series: readonly Series[];
}

const THROUGHPUT: ChartOptions = {
  title: 'Messages a second',
  format: count,
  series: [
    { label: 'published', colour: '--accent', dash: [], value: ({ published }) => published },
    { label: 'consumed', colour: '--good', dash: [6, 3], value: ({ acknowledged }) => acknowledged },
    { label: 'failed', colour: '--bad', dash: [2, 2], value: ({ failed }) => failed },
  ],
};
const LATENCY: ChartOptions = {
  title: 'Latency of publishing',
  format: milliseconds,
  series: [
    { label: 'p99', colour: '--accent', dash: [], value: ({ p99Ms }) => p99Ms },
    { label: 'p50', colour: '--good', dash: [6, 3], value: ({ p50Ms }) => p50Ms },
  ],
};
const HEIGHT = 180;
const SHOWN_SECONDS = 120;
const SUMMARY_MS = 5000;
/** Of marks nearer to each other than that the first stands for all, unless a later one is bad. */
const MARK_PIXELS = 14;

/** Both charts, of the last two minutes, with marks where the log has something that matters. */
export class Charts {
  readonly #charts: readonly Chart[];

  constructor(store: Store) {
    this.#charts = [new Chart('#throughput', THROUGHPUT, store), new Chart('#latency', LATENCY, store)];
  }

  update(): void {
    for (const chart of this.#charts) chart.update();
  }
}

class Chart {
  readonly #store: Store;
  readonly #options: ChartOptions;
  readonly #plot: uPlot;
  readonly #summary = document.createElement('p');
  #drawn: readonly Sample[] = [];
  #summedUpAt = 0;

  constructor(selector: string, options: ChartOptions, store: Store) {
    this.#store = store;
    this.#options = options;
    const figure = document.querySelector<HTMLElement>(selector) ?? document.body;
    const caption = document.createElement('figcaption');
    caption.textContent = options.title;
    this.#summary.className = 'unseen';
    const place = document.createElement('div');
    place.className = 'plot';
    figure.append(caption, place, this.#summary);
    this.#plot = new uPlot(this.#plotOptions(), [[], ...options.series.map(() => [])], place);
    place.querySelector('canvas')?.setAttribute('aria-hidden', 'true');
    new ResizeObserver(() => this.#plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
    const redraw = (): void => this.#plot.redraw(false);
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ['data-theme'] });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  }

  update(): void {
    const { samples } = this.#store;
    if (samples === this.#drawn) return;
    this.#drawn = samples;
    const values = this.#options.series.map(({ value }) => samples.map((sample) => value(sample) ?? null));
    this.#plot.setData([samples.map(({ at }) => at / 1000), ...values]);
    // The legend tells of where the pointer is; without one, of now.
    if ((this.#plot.cursor.left ?? -1) < 0) this.#plot.setLegend({ idx: samples.length - 1 });
    if (performance.now() - this.#summedUpAt > SUMMARY_MS) this.#sumUp();
  }

  /** What the chart shows, for who can't see it; there to be read, not read out. */
  #sumUp(): void {
    this.#summedUpAt = performance.now();
    const { series, format } = this.#options;
    const sentences = series.map(({ label, value }) => {
      const values = this.#drawn.map(value).filter((one) => one !== undefined);
      if (values.length === 0) return `${label}: nothing yet.`;
      return `${label}: now ${format(values.at(-1) ?? 0)}, between ${format(Math.min(...values))} and ${format(Math.max(...values))}.`;
    });
    this.#summary.textContent = `The last two minutes. ${sentences.join(' ')}`;
  }

  #plotOptions(): uPlot.Options {
    const { series, format } = this.#options;
    const axis = {
      stroke: () => colour('--faint'),
      grid: { stroke: () => colour('--line'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: 400,
      height: HEIGHT,
      padding: [14, 8, 0, 0],
      cursor: { sync: { key: 'dashboard' }, y: false },
      scales: {
        x: { range: (_, __, max) => [(max ?? SHOWN_SECONDS) - SHOWN_SECONDS, max ?? SHOWN_SECONDS] },
        y: { range: fromZero },
      },
      axes: [
        { ...axis, size: 30, space: 70, values: (_, splits) => splits.map(timeOf) },
        { ...axis, size: 56, values: (_, splits) => splits.map(format) },
      ],
      series: [
        { label: 'at', value: (_, at) => (at === null ? '' : timeOf(at)) },
        ...series.map(({ label, colour: name, dash }, index) => ({
          label,
          dash,
          width: 2,
          stroke: () => colour(name),
          points: { show: false },
          ...(index === 0 && { fill: () => colour('--wash') }),
          value: (_: uPlot, value: number | null) => (value === null ? '–' : format(value)),
        })),
      ],
      hooks: { draw: [(plot) => drawMarks(plot, this.#store.entries)] },
    };
  }
}

/** A dashed line with a sign, where something happened that matters. */
function drawMarks(plot: uPlot, entries: readonly LogEntry[]): void {
  const { ctx, bbox } = plot;
  const [from = 0, to = 0] = [plot.scales['x']?.min, plot.scales['x']?.max];
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  let drawn = -Infinity;
  for (const { at, level } of entries) {
    const seconds = Date.parse(at) / 1000;
    if (level === 'info' || seconds < from || seconds > to) continue;
    const x = plot.valToPos(seconds, 'x', true);
    if (x - drawn < MARK_PIXELS * devicePixelRatio && level !== 'bad') continue;
    drawn = x;
    ctx.strokeStyle = ctx.fillStyle = colour(`--${level}`);
    ctx.globalAlpha = 0.6;
    ctx.setLineDash([2, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.fillText(LEVELS[level][0], x, bbox.top - 3 * devicePixelRatio);
  }
  ctx.restore();
}

function fromZero(_: uPlot, __: number | null, max: number | null): uPlot.Range.MinMax {
  return [0, Math.max(5, (max ?? 0) * 1.1)];
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toTimeString().slice(0, 8);
}

/** As it is now, since dark and light differ: registered properties are told as colours. */
function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}
