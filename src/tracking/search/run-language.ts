import type { Comparator, Field, FilterLanguage } from '../../search/clause.ts';

const ATTRIBUTES = {
  run_id: 'run_id',
  run_name: 'run_name',
  user_id: 'user_id',
  status: 'status',
  start_time: 'start_time',
  end_time: 'end_time',
  artifact_uri: 'artifact_uri',
  created: 'start_time',
  Created: 'start_time',
  'run name': 'run_name',
  'Run name': 'run_name',
  'Run Name': 'run_name',
} as const;

const NUMBER: readonly Comparator[] = ['=', '!=', '<', '<=', '>', '>='];
const TEXT: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE'];
const LIST: readonly Comparator[] = ['IN', 'NOT IN'];
const PRESENCE: readonly Comparator[] = ['IS NULL', 'IS NOT NULL'];

function isNumeric({ kind, key }: Field): boolean {
  return kind === 'metric' || (kind === 'attribute' && /^(start|end)_time$/.test(key));
}

function listComparators(field: Field): readonly Comparator[] {
  if (isNumeric(field)) return NUMBER;
  switch (field.kind) {
    case 'param':
    case 'tag':
      return [...TEXT, ...PRESENCE];
    case 'dataset':
      return [...TEXT, ...LIST];
    default:
      return field.key === 'run_id' ? [...TEXT, ...LIST] : TEXT;
  }
}

/** What runs are searched by (`mlflow/utils/search_utils.py`, `SearchUtils`). */
export const runLanguage: FilterLanguage = {
  subject: 'runs',
  kinds: {
    attribute: 'attribute',
    attributes: 'attribute',
    attr: 'attribute',
    run: 'attribute',
    metric: 'metric',
    metrics: 'metric',
    param: 'param',
    params: 'param',
    parameter: 'param',
    parameters: 'param',
    tag: 'tag',
    tags: 'tag',
    dataset: 'dataset',
    datasets: 'dataset',
  },
  attributes: ATTRIBUTES,
  orderKinds: ['attribute', 'metric', 'param', 'tag'],
  datasetKeys: ['name', 'digest', 'context'],
  takesQuotedKind: true,
  listComparators,
  readValueType: (field) => (isNumeric(field) ? 'number' : 'text'),
};
