import type { Comparator, Field, FilterLanguage } from '../search/clause.ts';

const TEXT: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE'];
const LIST: readonly Comparator[] = ['IN', 'NOT IN'];

function listComparators({ kind }: Field): readonly Comparator[] {
  return kind === 'tag' ? TEXT : [...TEXT, ...LIST];
}

/** What registered models are searched by (`mlflow/utils/search_utils.py`, `SearchModelUtils`). */
export const modelLanguage: FilterLanguage = {
  subject: 'registered models',
  kinds: { attribute: 'attribute', tag: 'tag', tags: 'tag' },
  attributes: { name: 'name' },
  orderKinds: ['attribute'],
  datasetKeys: [],
  takesQuotedKind: false,
  listComparators,
  readValueType: () => 'text',
};

/** What they are ordered by: more than they are searched by (`parse_order_by_for_search_registered_models`). */
export const modelOrderLanguage: FilterLanguage = {
  ...modelLanguage,
  attributes: {
    name: 'name',
    last_updated_timestamp: 'last_updated_timestamp',
    timestamp: 'last_updated_timestamp',
  },
};
