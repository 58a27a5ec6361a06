import { join } from 'node:path';
import type { Metric, Param, Run, RunInfo, Tag } from '../../core/entities.ts';
import { appendText, placeFile } from '../../host/file-tree.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { type Meta, readText, readTimeMs } from '../../host/meta-file.ts';
import { readValues } from '../../host/value-files.ts';
import { paramConflict } from '../limits.ts';
import { RUN_NAME_TAG } from '../run-name.ts';
import { readStage, readStatus } from './meta.ts';
import { formatMetric, parseLatestMetric } from './metric-line.ts';

export { readValues } from '../../host/value-files.ts';

/** A run's meta.yaml, read. */
export function toRunInfo(meta: Meta): RunInfo {
  return {
    id: readText(meta, 'run_id') || readText(meta, 'run_uuid'),
    name: readText(meta, 'run_name'),
    experimentId: readText(meta, 'experiment_id'),
    userId: readText(meta, 'user_id'),
    status: readStatus(meta),
    startTimeMs: readTimeMs(meta, 'start_time'),
    endTimeMs: readTimeMs(meta, 'end_time'),
    artifactUri: readText(meta, 'artifact_uri'),
    lifecycleStage: readStage(meta),
  };
}

export async function readRunFolder(folder: string, info: RunInfo): Promise<Run> {
  const tags = await readValues(join(folder, 'tags'));
  const texts = await readValues(join(folder, 'metrics'));
  const metrics = texts
    .map(({ key, value }) => parseLatestMetric(key, value))
    .filter((metric): metric is Metric => metric !== undefined);
  // Runs of MLflow 1.x have their name in the tag only.
  const name = info.name || (tags.find(({ key }) => key === RUN_NAME_TAG)?.value ?? '');
  return {
    info: { ...info, name },
    params: await readValues(join(folder, 'params')),
    tags,
    metrics,
  };
}

/** @throws InvalidInput for a param that is there with another value; nothing is written then. */
export async function checkParams(
  folder: string,
  runId: string,
  params: readonly Param[],
): Promise<void> {
  for (const { key, value } of params) {
    const old = await readTextIfPresent(join(folder, 'params', key));
    if (old !== undefined && old !== value) throw paramConflict(runId, key, old, value);
  }
}

export async function writeValues(
  folder: string,
  kind: 'params' | 'tags',
  values: readonly Tag[],
): Promise<void> {
  for (const { key, value } of values) await placeFile(join(folder, kind, key), value, folder);
}

/** One write for each key, so that the lines of two processes do not mix. */
export async function appendMetrics(folder: string, metrics: readonly Metric[]): Promise<void> {
  for (const [key, ofKey] of Map.groupBy(metrics, (metric) => metric.key)) {
    await appendText(
      join(folder, 'metrics', key),
      ofKey.map((metric) => formatMetric(metric)).join(''),
    );
  }
}
