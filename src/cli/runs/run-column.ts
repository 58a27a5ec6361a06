import type { Run, RunInfo } from '../../core/entities.ts';
import { InvalidInput, UsageError } from '../../core/errors.ts';
import type { Field, FilterLanguage } from '../../search/clause.ts';
import { readField } from '../../search/field.ts';
import { parseFilter } from '../../search/filter.ts';
import { parseOrderBy } from '../../search/order-by.ts';
import { runLanguage } from '../../tracking/search/run-language.ts';
import type { Column } from '../output.ts';

export interface RunColumn extends Column<Run> {
  /** Shows nothing but the run's info: params, tags and metrics need not be read for it. */
  readonly isInfo: boolean;
}

const ATTRIBUTES: Readonly<Record<string, (info: RunInfo) => string>> = {
  run_id: ({ id }) => id,
  run_name: ({ name }) => name,
  experiment_id: ({ experimentId }) => experimentId,
  status: ({ status }) => status,
  user_id: ({ userId }) => userId,
  start_time: ({ startTimeMs }) => formatTime(startTimeMs),
  end_time: ({ endTimeMs }) => formatTime(endTimeMs),
  artifact_uri: ({ artifactUri }) => artifactUri,
  lifecycle_stage: ({ lifecycleStage }) => lifecycleStage,
};

/** What can be shown: what can be searched for, and two attributes more. */
const COLUMN_LANGUAGE: FilterLanguage = {
  ...runLanguage,
  attributes: {
    ...runLanguage.attributes,
    experiment_id: 'experiment_id',
    lifecycle_stage: 'lifecycle_stage',
  },
};

const DEFAULT_COLUMNS: readonly string[] = ['run_id', 'run_name', 'status', 'start_time'];

/** The columns of these names, such as `run_name` and `metrics.loss`. */
export function selectColumns(names: readonly string[]): readonly RunColumn[] {
  return names.map((name) => {
    const refuse = (problem: string, hint?: string) =>
      new UsageError(`--columns: ${problem}`, { hint });
    const field = readField(name, COLUMN_LANGUAGE, refuse);
    if (field.kind === 'dataset') throw refuse('datasets have no column');
    return toColumn(field, name);
  });
}

/** What tells runs apart, and the metrics, params and tags that were asked about. */
export function chooseColumns(filter: string, orderBy: readonly string[]): readonly RunColumn[] {
  const fields = listFields(filter, orderBy).filter(
    ({ kind }) => kind !== 'attribute' && kind !== 'dataset',
  );
  const columns = new Map(fields.map((field) => [`${field.kind}s.${field.key}`, field]));
  return [
    ...selectColumns(DEFAULT_COLUMNS),
    ...[...columns].map(([name, field]) => toColumn(field, name)),
  ];
}

/** None of a filter that is not understood: to refuse it is the store's part. */
function listFields(filter: string, orderBy: readonly string[]): readonly Field[] {
  try {
    return [...parseFilter(filter, runLanguage), ...parseOrderBy(orderBy, runLanguage)];
  } catch (error) {
    if (error instanceof InvalidInput) return [];
    throw error;
  }
}

function toColumn(field: Field, heading: string): RunColumn {
  const isInfo = field.kind === 'attribute';
  return { heading, isInfo, cell: (run) => readCell(run, field) };
}

/** Empty where the run has no such value. */
export function readCell(run: Run, { kind, key }: Field): string {
  switch (kind) {
    case 'attribute':
      return ATTRIBUTES[key]?.(run.info) ?? '';
    case 'metric':
      return String(run.metrics.find((metric) => metric.key === key)?.value ?? '');
    case 'param':
      return run.params.find((param) => param.key === key)?.value ?? '';
    default:
      return run.tags.find((tag) => tag.key === key)?.value ?? '';
  }
}

function formatTime(timeMs: number | undefined): string {
  return timeMs === undefined ? '' : new Date(timeMs).toISOString();
}
