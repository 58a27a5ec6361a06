import { join } from 'node:path';
import { parsePythonFloat } from '../core/python-float.ts';
import { listValueFiles, readValue } from './folder.ts';
import type { Load } from './load.ts';

/** SQL has no infinity: MLflow stores the largest double in its place, and 0 with a mark for NaN. */
const LARGEST = Number.MAX_VALUE;

interface Point {
  readonly timestamp: bigint;
  readonly step: bigint;
  readonly value: number;
  readonly isNan: boolean;
}

/** Every value that was logged, and the latest of each key as MLflow's own migration finds it. */
export function insertMetrics(load: Load, folder: string, runId: string): void {
  for (const key of listValueFiles(folder)) {
    const path = join(folder, key);
    load.attempt(path, () => insertMetric(load, path, key, runId));
  }
}

function insertMetric(load: Load, path: string, key: string, runId: string): void {
  let latest: Point | undefined;
  readLines(readValue(path), (line, number) => {
    const point = parsePoint(line);
    if (point === undefined) return load.leave(`${path}:${number}: \`${line}\` is no value`);
    load.insertOnce('metrics', toRow(point, key, runId));
    if (latest === undefined || isLater(point, latest)) latest = point;
  });
  if (latest !== undefined) load.insert('latest_metrics', toRow(latest, key, runId));
}

/** Millions of lines are not kept as an array of them. */
export function readLines(text: string, take: (line: string, number: number) => void): void {
  for (let start = 0, number = 1; start < text.length; number += 1) {
    const end = text.indexOf('\n', start);
    const line = text.slice(start, end === -1 ? undefined : end).trim();
    if (line !== '') take(line, number);
    start = end === -1 ? text.length : end + 1;
  }
}

/** Time, value, step, and what datasets add; before MLflow 1.0 there was no step. */
function parsePoint(line: string): Point | undefined {
  const [time = '', text = '', step = '0'] = line.split(' ');
  const number = parsePythonFloat(text);
  if (number === undefined || !isWhole(time) || !isWhole(step)) return undefined;
  const isNan = Number.isNaN(number);
  const value = isNan ? 0 : Math.max(-LARGEST, Math.min(LARGEST, number));
  return { timestamp: BigInt(time), step: BigInt(step), value, isNan };
}

export function isWhole(text: string): boolean {
  return /^[+-]?\d{1,18}$/.test(text);
}

/** By step, then time, then stored value, in which NaN is 0; of equals the first (`_migrate_run_metrics`). */
function isLater(a: Point, b: Point): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  return a.value > b.value;
}

function toRow({ timestamp, step, value, isNan }: Point, key: string, runId: string) {
  return { key, value, timestamp, step, is_nan: Number(isNan), run_uuid: runId };
}
