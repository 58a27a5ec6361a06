import type { Comparator, Field, FilterLanguage } from '../../search/clause.ts';

const NUMBER: readonly Comparator[] = ['=', '!=', '<', '<=', '>', '>='];
const TEXT: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE'];

function isTime({ kind, key }: Field): boolean {
  return kind === 'attribute' && key.endsWith('_time');
}

/** Texts are compared by < and > too: MLflow only means not to. */
function listComparators(field: Field): readonly Comparator[] {
  if (isTime(field)) return NUMBER;
  if (field.kind === 'tag') return TEXT;
  const order: readonly Comparator[] = ['<', '<=', '>', '>='];
  return [...TEXT, ...(field.key === 'name' ? (['IN'] as const) : []), ...order];
}

/** What evaluation datasets are searched by (`mlflow/utils/search_utils.py`, `SearchEvaluationDatasetsUtils`). */
export const datasetLanguage: FilterLanguage = {
  subject: 'evaluation datasets',
  kinds: { tags: 'tag' },
  attributes: {
    name: 'name',
    created_time: 'created_time',
    last_update_time: 'last_update_time',
    created_by: 'created_by',
    last_updated_by: 'last_updated_by',
  },
  orderKinds: ['attribute'],
  datasetKeys: [],
  takesQuotedKind: false,
  listComparators,
  readValueType: (field) => (isTime(field) ? 'whole number' : 'text'),
};

/** What they are ordered by: less than they are searched by. */
export const datasetOrderLanguage: FilterLanguage = {
  ...datasetLanguage,
  attributes: {
    name: 'name',
    created_time: 'created_time',
    last_update_time: 'last_update_time',
  },
};

/** The order where none is asked for. */
export const DATASET_ORDER: readonly string[] = ['created_time DESC'];
