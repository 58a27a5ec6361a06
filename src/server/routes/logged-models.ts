import { InvalidInput } from '../../core/errors.ts';
import type { LoggedModel, LoggedModelMetric } from '../../core/logged-model.ts';
import { readModelStatus, writeMetric, writeModelStatus } from '../../tracking/wire.ts';
import { list, requiredText, text } from '../checks.ts';
import { type Endpoint, rpc, type Wire } from '../endpoint.ts';
import { enumeration, message } from '../message.ts';
import type { Services } from '../services.ts';
import { readTags, tag } from '../shared-fields.ts';
import { writeList, writePair, writeToken } from '../wire.ts';

const USUALLY_FOUND = 100;

const modelStatus = enumeration({
  0: 'LOGGED_MODEL_STATUS_UNSPECIFIED',
  1: 'LOGGED_MODEL_PENDING',
  2: 'LOGGED_MODEL_READY',
  3: 'LOGGED_MODEL_UPLOAD_FAILED',
});

const PATH = '/mlflow/logged-models/{model_id}';

export function listLoggedModelEndpoints(services: Services): readonly Endpoint[] {
  return [...listMaking(services), ...listReading(services), ...listLabels(services)];
}

function listMaking({ tracking: { loggedModels } }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'createLoggedModel',
      method: 'POST',
      path: '/mlflow/logged-models',
      fields: {
        experiment_id: 'string',
        name: 'string',
        model_type: 'string',
        source_run_id: 'string',
        params: [tag],
        tags: [tag],
      },
      checks: {
        experiment_id: requiredText,
        name: text,
        model_type: text,
        source_run_id: text,
        params: list,
        tags: list,
      },
      handle: async (sent) => ({
        model: writeLoggedModel(
          await loggedModels.create({
            experimentId: sent.experiment_id ?? '',
            name: sent.name || undefined,
            modelType: sent.model_type ?? '',
            sourceRunId: sent.source_run_id ?? '',
            params: readTags(sent.params),
            tags: readTags(sent.tags),
          }),
        ),
      }),
    }),
    rpc({
      rpc: 'finalizeLoggedModel',
      method: 'PATCH',
      path: PATH,
      fields: { model_id: 'string', status: modelStatus },
      checks: { model_id: requiredText, status: { kind: 'integer', isRequired: true } },
      handle: async ({ model_id: modelId = '', status }) => ({
        model: writeLoggedModel(await loggedModels.finalize(modelId, readModelStatus(status))),
      }),
    }),
    rpc({
      rpc: 'deleteLoggedModel',
      method: 'DELETE',
      path: PATH,
      fields: { model_id: 'string' },
      handle: async ({ model_id: modelId = '' }) => {
        await loggedModels.delete(modelId);
        return {};
      },
    }),
  ];
}

function listReading({ tracking: { loggedModels } }: Services): readonly Endpoint[] {
  const dataset = { dataset_name: 'string', dataset_digest: 'string' } as const;
  return [
    rpc({
      rpc: 'getLoggedModel',
      method: 'GET',
      path: PATH,
      fields: { model_id: 'string', allow_deleted: 'string' },
      handle: async ({ model_id: modelId = '', allow_deleted: allows = '' }) => {
        const findsDeleted = allows.toLowerCase() === 'true';
        return { model: writeLoggedModel(await loggedModels.get(modelId, { findsDeleted })) };
      },
    }),
    rpc({
      rpc: 'searchLoggedModels',
      method: 'POST',
      path: '/mlflow/logged-models/search',
      fields: {
        experiment_ids: ['string'],
        filter: 'string',
        datasets: [message(dataset)],
        max_results: 'int32',
        order_by: [message({ field_name: 'string', ascending: 'bool', ...dataset })],
        page_token: 'string',
      },
      checks: {
        experiment_ids: { kind: 'strings', isRequired: true },
        filter: text,
        datasets: list,
        max_results: { kind: 'integer' },
        order_by: list,
        page_token: text,
      },
      handle: async (sent, { signal }) => {
        const { items, nextPageToken } = await loggedModels.search({
          signal,
          experimentIds: sent.experiment_ids ?? [],
          filter: sent.filter || undefined,
          datasets: (sent.datasets ?? []).map(readDataset),
          maxResults: sent.max_results || USUALLY_FOUND,
          orderBy: (sent.order_by ?? []).map((order) => ({
            field: order.field_name ?? '',
            isAscending: order.ascending ?? true,
            dataset: readPartialDataset(order),
          })),
          pageToken: sent.page_token || undefined,
        });
        return { ...writeList('models', items, writeLoggedModel), ...writeToken(nextPageToken) };
      },
    }),
  ];
}

interface SentDataset {
  readonly dataset_name?: string;
  readonly dataset_digest?: string;
}

/** @throws InvalidInput where the name is missing. */
function readDataset({ dataset_name: name = '', dataset_digest: digest }: SentDataset) {
  if (name === '') throw new InvalidInput('a dataset lacks its `dataset_name`');
  return digest ? { name, digest } : { name };
}

/** Undefined where none is named: then values on no dataset count too. */
function readPartialDataset({ dataset_name: name, dataset_digest: digest }: SentDataset) {
  if (!name && !digest) return undefined;
  return { ...(name ? { name } : {}), ...(digest ? { digest } : {}) };
}

function listLabels({ tracking: { loggedModels } }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'setLoggedModelTags',
      method: 'PATCH',
      path: `${PATH}/tags`,
      fields: { model_id: 'string', tags: [tag] },
      checks: { tags: list },
      handle: async ({ model_id: modelId = '', tags }) => {
        await loggedModels.setTags(modelId, readTags(tags));
        return {};
      },
    }),
    rpc({
      rpc: 'deleteLoggedModelTag',
      method: 'DELETE',
      path: `${PATH}/tags/{tag_key}`,
      fields: { model_id: 'string', tag_key: 'string' },
      handle: async ({ model_id: modelId = '', tag_key: key = '' }) => {
        await loggedModels.deleteTag(modelId, key);
        return {};
      },
    }),
    rpc({
      rpc: 'logLoggedModelParams',
      method: 'POST',
      path: `${PATH}/params`,
      fields: { model_id: 'string', params: [tag] },
      checks: { model_id: requiredText, params: list },
      handle: async ({ model_id: modelId = '', params }) => {
        await loggedModels.logParams(modelId, readTags(params));
        return {};
      },
    }),
  ];
}

function writeLoggedModel(model: LoggedModel): Wire {
  return {
    info: {
      model_id: model.id,
      experiment_id: model.experimentId,
      name: model.name,
      creation_timestamp_ms: model.creationTimeMs,
      last_updated_timestamp_ms: model.lastUpdateTimeMs,
      artifact_uri: model.artifactUri,
      status: writeModelStatus(model.status),
      model_type: model.modelType ?? '',
      source_run_id: model.sourceRunId ?? '',
      ...(model.statusMessage ? { status_message: model.statusMessage } : {}),
      ...writeList('tags', model.tags, writePair),
    },
    data: {
      ...writeList('params', model.params, writePair),
      ...writeList('metrics', model.metrics, writeModelMetric),
    },
  };
}

function writeModelMetric(metric: LoggedModelMetric): Wire {
  return { ...writeMetric(metric), run_id: metric.runId };
}
