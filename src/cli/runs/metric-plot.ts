import type { Metric } from '../../core/entities.ts';

const HEIGHT_ROWS = 15;
const NARROWEST_COLUMNS = 20;
/** What the numbers beside the plot take. */
const MARGIN_COLUMNS = 16;
const TICKS = 5;

type Point = [step: number, value: number];

/**
 * Draws a metric over its steps in `columns` characters. Values that are no finite numbers have no
 * place in it. Where several values come to stand in one column, the last one is drawn.
 *
 * @returns undefined where nothing can be drawn.
 */
export async function plotMetric(
  history: readonly Metric[],
  columns: number,
): Promise<string | undefined> {
  const width = Math.max(columns - MARGIN_COLUMNS, NARROWEST_COLUMNS);
  const points = thinOut(toPoints(history), width);
  if (points.length === 0) return undefined;
  const { plot } = await import('simple-ascii-chart');
  const yTicks = spread(points.map(([, value]) => value));
  const labelWidth = Math.max(...yTicks.map((tick) => format(tick).length));
  const drawn = plot(points, {
    width,
    height: yTicks.length === 1 ? 1 : HEIGHT_ROWS,
    customXAxisTicks: spread(points.map(([step]) => step)).map(Math.round),
    customYAxisTicks: yTicks,
    // All as wide as the widest: the library makes room for the labels of the points only.
    formatter: (value, { axis }) =>
      axis === 'y' ? format(value).padStart(labelWidth) : format(value),
  });
  return drawn
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}

function toPoints(history: readonly Metric[]): readonly Point[] {
  return history
    .filter(({ value }) => Number.isFinite(value))
    .map(({ step, value }): Point => [step, value])
    .sort(([a], [b]) => a - b);
}

/** At most one point for each column, at the step that the column stands for. */
function thinOut(points: readonly Point[], width: number): Point[] {
  const first = points[0]?.[0] ?? 0;
  const range = (points.at(-1)?.[0] ?? 0) - first;
  if (points.length <= width || range === 0) return [...points];
  const columnWidth = range / (width - 1);
  const byColumn = new Map(
    points.map(([step, value]) => [Math.round((step - first) / columnWidth), value]),
  );
  return [...byColumn].map(([column, value]) => [first + column * columnWidth, value]);
}

function format(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Evenly from the smallest to the largest. */
function spread(values: readonly number[]): number[] {
  const smallest = values.reduce((a, b) => Math.min(a, b));
  const range = values.reduce((a, b) => Math.max(a, b)) - smallest;
  if (range === 0) return [smallest];
  return Array.from({ length: TICKS }, (_, tick) => smallest + (range * tick) / (TICKS - 1));
}
