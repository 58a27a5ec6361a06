/** What a filter or an order speaks about. */
export type FieldKind = 'attribute' | 'metric' | 'param' | 'tag' | 'dataset';

export type Comparator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'LIKE'
  | 'ILIKE'
  | 'IN'
  | 'NOT IN'
  | 'IS NULL'
  | 'IS NOT NULL';

/** `key` without quotes; an attribute's by the name that MLflow's REST API has for it. */
export interface Field {
  readonly kind: FieldKind;
  readonly key: string;
}

/** A number for metrics and times, a list for IN, nothing for IS NULL. */
export type ClauseValue = string | number | readonly string[] | undefined;

/** One comparison; a filter is a list of them, all of which must hold. */
export interface Clause extends Field {
  readonly comparator: Comparator;
  readonly value: ClauseValue;
}

export interface Order extends Field {
  readonly isAscending: boolean;
}

/** `version` is a whole number, in quotes or not. */
export type ValueType = 'text' | 'number' | 'whole number' | 'id' | 'version';

/** What can be asked of runs, experiments and models: they differ in fields and comparators only. */
export interface FilterLanguage {
  /** As a person names the things searched for. */
  readonly subject:
    | 'runs'
    | 'experiments'
    | 'registered models'
    | 'model versions'
    | 'evaluation datasets'
    | 'logged models';
  readonly kinds: Readonly<Record<string, FieldKind>>;
  /** Names of attributes, with the name that each stands for. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderKinds: readonly FieldKind[];
  /** Whether an order may name a key twice; the first one counts. */
  readonly repeatsOrders?: boolean;
  readonly datasetKeys: readonly string[];
  /** Whether backticks around a kind are taken (`` `tags`.a ``). */
  readonly takesQuotedKind: boolean;
  listComparators(field: Field): readonly Comparator[];
  /** What stands right of the comparator, where that is not IN. */
  readValueType(field: Field): ValueType;
}
