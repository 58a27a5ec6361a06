import type { Metric } from '../core/entities.ts';
import type { PinnedLine, Terminal } from '../host/terminal.ts';
import { formatMetric } from './summary.ts';

/** Often enough to look alive, seldom enough not to cost anything. */
const PAUSE_MS = 200;
const SYSTEM = 'system/';

/** The newest values of a run's metrics in one line at the foot of the terminal; nothing where there is none. */
export class LiveMetrics {
  readonly #line: PinnedLine;
  readonly #style: Terminal['style'];
  /** In the order in which they first came, so that each stays where it is. */
  readonly #newest = new Map<string, Metric>();
  #step: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal) {
    this.#line = terminal.pinLine();
    this.#style = terminal.style;
  }

  show(metrics: readonly Metric[]): void {
    for (const metric of metrics) {
      this.#newest.set(metric.key, metric);
      if (!metric.key.startsWith(SYSTEM)) this.#step = metric.step;
    }
    this.#timer ??= setTimeout(() => this.#draw(), PAUSE_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#line.close();
  }

  #draw(): void {
    this.#timer = undefined;
    const { dim } = this.#style;
    const all = [...this.#newest.values()];
    // What is learnt comes before how busy the machine is.
    const sorted = all.toSorted((a, b) => rankOf(a) - rankOf(b));
    const step = this.#step === undefined ? [] : [`${dim('step')} ${this.#step}`];
    this.#line.show([
      ...step,
      ...sorted.map(({ key, value }) => `${dim(key)} ${formatMetric(value)}`),
    ]);
  }
}

function rankOf({ key }: Metric): number {
  return key.startsWith(SYSTEM) ? 1 : 0;
}
