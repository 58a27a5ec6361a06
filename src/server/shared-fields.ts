import type { Metric, Tag } from '../core/entities.ts';
import { InvalidInput } from '../core/errors.ts';
import type { RegistrySearch } from '../registry/store.ts';
import { runNotFound } from '../tracking/lifecycle.ts';
import type { View } from '../tracking/store.ts';
import { integer, text, texts } from './checks.ts';
import { enumeration, type Message, message } from './message.ts';

/** Parts of messages that several rpcs share (`mlflow/protos/service.proto`). */
const PAIR = { key: 'string', value: 'string' } as const;
export const tag = message(PAIR);

export const viewType = enumeration({ 1: 'ACTIVE_ONLY', 2: 'DELETED_ONLY', 3: 'ALL' });

export const VIEWS: Readonly<Record<'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL', View>> = {
  ACTIVE_ONLY: 'active_only',
  DELETED_ONLY: 'deleted_only',
  ALL: 'all',
};

export function readTags(tags: readonly Message<typeof PAIR>[] = []): readonly Tag[] {
  return tags.map(({ key = '', value = '' }) => ({ key, value }));
}

const METRIC = {
  key: 'string',
  value: 'double',
  timestamp: 'int64',
  step: 'int64',
  model_id: 'string',
  dataset_name: 'string',
  dataset_digest: 'string',
} as const;
export const metric = message(METRIC);

/** @throws InvalidInput where half of a dataset's name is missing (`mlflow/entities/metric.py`). */
export function readMetric(sent: Message<typeof METRIC>): Metric {
  const { key = '', value = 0, timestamp: timestampMs = 0, step = 0 } = sent;
  const { model_id: modelId, dataset_name: name, dataset_digest: digest } = sent;
  if (Boolean(name) !== Boolean(digest)) {
    throw new InvalidInput('`dataset_name` and `dataset_digest` go together');
  }
  return {
    key,
    value,
    timestampMs,
    step,
    ...(modelId ? { modelId } : {}),
    ...(name && digest ? { dataset: { name, digest } } : {}),
  };
}

const RUN_ID = /^[a-zA-Z0-9][\w-]{0,255}$/;

/** The run that a message names, by its old or its new field. @throws NotFound for what can be no run's id. */
export function readRunId(sent: {
  readonly run_id?: string | undefined;
  readonly run_uuid?: string | undefined;
}): string {
  const runId = sent.run_id || sent.run_uuid || '';
  if (RUN_ID.test(runId)) return runId;
  throw runNotFound(runId);
}

/** What searches of registered models and of their versions take. */
export const REGISTRY_SEARCH = {
  filter: 'string',
  max_results: 'int64',
  order_by: ['string'],
  page_token: 'string',
} as const;

export function checkRegistrySearch(most: number) {
  return {
    filter: text,
    max_results: { ...integer, most },
    order_by: texts,
    page_token: text,
  };
}

export function readRegistrySearch(
  sent: Message<typeof REGISTRY_SEARCH>,
  usually: number,
): RegistrySearch {
  return {
    filter: sent.filter,
    orderBy: sent.order_by,
    maxResults: sent.max_results ?? usually,
    pageToken: sent.page_token,
  };
}
