import type { Run } from '../../core/entities.ts';
import type { Field } from '../../search/clause.ts';
import { compareTexts } from '../../search/comparison.ts';
import type { Column } from '../output.ts';
import { readCell } from './run-column.ts';

/** One field of all runs; a run without it has null. */
export interface ComparisonRow {
  readonly field: string;
  readonly values: readonly (string | null)[];
  readonly differs: boolean;
}

const ATTRIBUTES = ['run_name', 'experiment_id', 'status', 'user_id', 'start_time', 'end_time'];

/** Attributes first, then metrics, params and tags by name. */
export function compareRuns(runs: readonly Run[]): readonly ComparisonRow[] {
  const fields: readonly Field[] = [
    ...ATTRIBUTES.map((key) => ({ kind: 'attribute', key }) as const),
    ...listKeys(runs, ({ metrics }) => metrics).map((key) => ({ kind: 'metric', key }) as const),
    ...listKeys(runs, ({ params }) => params).map((key) => ({ kind: 'param', key }) as const),
    ...listKeys(runs, ({ tags }) => tags).map((key) => ({ kind: 'tag', key }) as const),
  ];
  return fields.map((field) => {
    const values = runs.map((run) => (hasField(run, field) ? readCell(run, field) : null));
    const name = field.kind === 'attribute' ? field.key : `${field.kind}s.${field.key}`;
    return { field: name, values, differs: new Set(values).size > 1 };
  });
}

function listKeys(
  runs: readonly Run[],
  read: (run: Run) => readonly { readonly key: string }[],
): readonly string[] {
  const keys = new Set(runs.flatMap((run) => read(run).map(({ key }) => key)));
  return [...keys].sort(compareTexts);
}

function hasField(run: Run, field: Field): boolean {
  const { kind, key } = field;
  switch (kind) {
    case 'metric':
      return run.metrics.some((metric) => metric.key === key);
    case 'param':
      return run.params.some((param) => param.key === key);
    case 'tag':
      return run.tags.some((tag) => tag.key === key);
    default:
      return readCell(run, field) !== '';
  }
}

/** The field, then a column for each run, headed by its id. */
export function listColumns(
  runs: readonly Run[],
): readonly Column<Pick<ComparisonRow, 'field' | 'values'>>[] {
  return [
    { heading: 'field', cell: ({ field }) => field },
    ...runs.map(({ info }, index) => ({
      heading: info.id,
      cell: ({ values }: Pick<ComparisonRow, 'values'>) => values[index] ?? '',
    })),
  ];
}
