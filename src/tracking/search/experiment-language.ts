import type { Comparator, Field, FilterLanguage } from '../../search/clause.ts';

const ATTRIBUTES = {
  name: 'name',
  experiment_id: 'experiment_id',
  creation_time: 'creation_time',
  last_update_time: 'last_update_time',
} as const;

const TEXT: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE'];
const NUMBER: readonly Comparator[] = ['=', '!=', '<', '<=', '>', '>='];

function listComparators({ kind, key }: Field): readonly Comparator[] {
  if (kind === 'tag') return [...TEXT, 'IS NULL', 'IS NOT NULL'];
  if (key === 'experiment_id') return ['=', '!=', 'IN', 'NOT IN'];
  return key === 'name' ? TEXT : NUMBER;
}

/** What experiments are searched by (`mlflow/utils/search_utils.py`, `SearchExperimentsUtils`). */
export const experimentLanguage: FilterLanguage = {
  subject: 'experiments',
  kinds: { attribute: 'attribute', tag: 'tag', tags: 'tag' },
  attributes: ATTRIBUTES,
  orderKinds: ['attribute'],
  repeatsOrders: true,
  datasetKeys: [],
  takesQuotedKind: false,
  listComparators,
  readValueType({ kind, key }) {
    if (kind === 'tag' || key === 'name') return 'text';
    return key === 'experiment_id' ? 'id' : 'whole number';
  },
};
