import type { Comparator, Field, FilterLanguage } from '../search/clause.ts';

const TEXT: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE'];
const LIST: readonly Comparator[] = ['IN', 'NOT IN'];
const NUMBER: readonly Comparator[] = ['=', '!=', '<', '<=', '>', '>='];

function listComparators({ kind, key }: Field): readonly Comparator[] {
  if (kind === 'tag' || key === 'source_path') return TEXT;
  return key === 'version_number' ? NUMBER : [...TEXT, ...LIST];
}

/** What versions are searched by (`mlflow/utils/search_utils.py`, `SearchModelVersionUtils`). */
export const versionLanguage: FilterLanguage = {
  subject: 'model versions',
  kinds: { attribute: 'attribute', tag: 'tag', tags: 'tag' },
  attributes: {
    name: 'name',
    version_number: 'version_number',
    run_id: 'run_id',
    source_path: 'source_path',
  },
  orderKinds: ['attribute'],
  datasetKeys: [],
  takesQuotedKind: false,
  listComparators,
  readValueType: ({ kind, key }) =>
    kind === 'attribute' && key === 'version_number' ? 'version' : 'text',
};

export const versionOrderLanguage: FilterLanguage = {
  ...versionLanguage,
  attributes: {
    name: 'name',
    version_number: 'version_number',
    creation_timestamp: 'creation_timestamp',
    last_updated_timestamp: 'last_updated_timestamp',
  },
};

/** The order of versions where none is asked for (`sqlalchemy_store.py`, `search_model_versions`). */
export const VERSION_ORDER: readonly string[] = [
  'last_updated_timestamp DESC',
  'name ASC',
  'version_number DESC',
];
