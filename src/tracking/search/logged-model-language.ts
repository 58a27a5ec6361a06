import type { Comparator, Field, FilterLanguage, Order } from '../../search/clause.ts';
import { readField } from '../../search/field.ts';
import { refuseAt } from '../../search/filter-error.ts';
import type { LoggedModelOrder, LoggedModelSearch } from '../store.ts';

const ATTRIBUTES = {
  name: 'name',
  model_id: 'model_id',
  model_type: 'model_type',
  status: 'status',
  status_message: 'status_message',
  source_run_id: 'source_run_id',
  artifact_location: 'artifact_location',
  creation_time: 'creation_timestamp_ms',
  creation_timestamp: 'creation_timestamp_ms',
  creation_timestamp_ms: 'creation_timestamp_ms',
  last_updated_time: 'last_updated_timestamp_ms',
  last_updated_timestamp: 'last_updated_timestamp_ms',
  last_updated_timestamp_ms: 'last_updated_timestamp_ms',
} as const;

const NUMBER: readonly Comparator[] = ['=', '!=', '<', '<=', '>', '>='];
const TEXT: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'];

function isNumeric({ kind, key }: Field): boolean {
  return kind === 'metric' || (kind === 'attribute' && key.endsWith('_timestamp_ms'));
}

/**
 * What logged models are searched by: all that either of MLflow's parsers takes
 * (`mlflow/utils/search_logged_model_utils.py`, and `SearchLoggedModelsUtils` for folders).
 */
export const loggedModelLanguage: FilterLanguage = {
  subject: 'logged models',
  kinds: {
    attribute: 'attribute',
    attributes: 'attribute',
    metric: 'metric',
    metrics: 'metric',
    param: 'param',
    params: 'param',
    parameter: 'param',
    parameters: 'param',
    tag: 'tag',
    tags: 'tag',
  },
  attributes: ATTRIBUTES,
  orderKinds: ['attribute', 'metric'],
  datasetKeys: [],
  takesQuotedKind: false,
  listComparators: (field) => (isNumeric(field) ? NUMBER : TEXT),
  readValueType: (field) => (isNumeric(field) ? 'number' : 'text'),
};

/** A key of an order, with the dataset whose metrics count. */
export interface ParsedModelOrder extends Order {
  readonly dataset: LoggedModelOrder['dataset'];
}

/**
 * The order that is asked for, then the newest first, then by id.
 *
 * @throws InvalidInput for a field that logged models cannot be ordered by.
 */
export function parseModelOrders({
  orderBy = [],
}: Pick<LoggedModelSearch, 'orderBy'>): readonly ParsedModelOrder[] {
  const asked = orderBy.map(parseOrder);
  const isThere = (name: string): boolean =>
    asked.some(({ kind, key }) => kind === 'attribute' && key === name);
  const rest = [
    { key: 'creation_timestamp_ms', isAscending: false },
    { key: 'model_id', isAscending: true },
  ].filter(({ key }) => !isThere(key));
  return [
    ...asked,
    ...rest.map((order) => ({ ...order, kind: 'attribute' as const, dataset: undefined })),
  ];
}

function parseOrder({ field: text, isAscending, dataset }: LoggedModelOrder): ParsedModelOrder {
  const refuse = (problem: string, hint?: string): Error =>
    refuseAt({ name: 'order_by', text }, 0, problem, hint);
  const field = readField(text.trim(), loggedModelLanguage, refuse);
  if (!loggedModelLanguage.orderKinds.includes(field.kind)) {
    throw refuse(
      `logged models cannot be ordered by a ${field.kind}`,
      'order them by an attribute, or by metrics.NAME',
    );
  }
  return { ...field, isAscending, dataset };
}
