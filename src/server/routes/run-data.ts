import { integer, list, requiredText, text } from '../checks.ts';
import { type Endpoint, rpc } from '../endpoint.ts';
import { message } from '../message.ts';
import { appendModel } from '../model-history.ts';
import { checkBatch } from '../request-limits.ts';
import type { Services } from '../services.ts';
import { metric, readMetric, readRunId, readTags, tag } from '../shared-fields.ts';

const RUN = { run_id: 'string', run_uuid: 'string' } as const;

/** What runs are given while they run. */
export function listRunDataEndpoints(services: Services): readonly Endpoint[] {
  return [...listSingle(services), listBatch(services), ...listLinking(services)];
}

function listSingle({ tracking }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'logMetric',
      method: 'POST',
      path: '/mlflow/runs/log-metric',
      fields: { ...RUN, ...metric.fields },
      checks: {
        run_id: requiredText,
        key: requiredText,
        value: { kind: 'number', isRequired: true },
        timestamp: { kind: 'integer', isRequired: true },
        step: integer,
        model_id: text,
        dataset_name: text,
        dataset_digest: text,
      },
      handle: async (sent) => {
        await tracking.logBatch(readRunId(sent), { metrics: [readMetric(sent)] });
        return {};
      },
    }),
    rpc({
      rpc: 'logParam',
      method: 'POST',
      path: '/mlflow/runs/log-parameter',
      fields: { ...RUN, key: 'string', value: 'string' },
      checks: { run_id: requiredText, key: requiredText, value: text },
      handle: async (sent) => {
        const { key = '', value = '' } = sent;
        await tracking.logBatch(readRunId(sent), { params: [{ key, value }] });
        return {};
      },
    }),
    rpc({
      rpc: 'setTag',
      method: 'POST',
      path: '/mlflow/runs/set-tag',
      fields: { ...RUN, key: 'string', value: 'string' },
      checks: { run_id: requiredText, key: requiredText, value: text },
      handle: async (sent) => {
        const { key = '', value = '' } = sent;
        await tracking.logBatch(readRunId(sent), { tags: [{ key, value }] });
        return {};
      },
    }),
    rpc({
      rpc: 'deleteTag',
      method: 'POST',
      path: '/mlflow/runs/delete-tag',
      fields: { run_id: 'string', key: 'string' },
      checks: { run_id: requiredText, key: requiredText },
      handle: async ({ key = '', ...sent }) => {
        await tracking.deleteTag(readRunId(sent), key);
        return {};
      },
    }),
    rpc({
      rpc: 'logModel',
      method: 'POST',
      path: '/mlflow/runs/log-model',
      fields: { run_id: 'string', model_json: 'string' },
      checks: { run_id: requiredText, model_json: requiredText },
      handle: async ({ run_id: runId = '', model_json: json = '' }) => {
        await appendModel(tracking, runId, json);
        return {};
      },
    }),
  ];
}

function listBatch({ tracking }: Services): Endpoint {
  return rpc({
    rpc: 'logBatch',
    method: 'POST',
    path: '/mlflow/runs/log-batch',
    fields: { run_id: 'string', metrics: [metric], params: [tag], tags: [tag] },
    checks: {
      run_id: requiredText,
      metrics: { ...list, eachHas: ['key', 'value', 'timestamp'] },
      params: { ...list, eachHas: ['key'] },
      tags: { ...list, eachHas: ['key'] },
    },
    handle: async (sent) => {
      checkBatch(sent);
      await tracking.logBatch(sent.run_id ?? '', {
        metrics: (sent.metrics ?? []).map(readMetric),
        params: readTags(sent.params),
        tags: readTags(sent.tags),
      });
      return {};
    },
  });
}

const dataset = message({
  name: 'string',
  digest: 'string',
  source_type: 'string',
  source: 'string',
  schema: 'string',
  profile: 'string',
});

function listLinking({ tracking }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'logInputs',
      method: 'POST',
      path: '/mlflow/runs/log-inputs',
      fields: {
        run_id: 'string',
        datasets: [message({ tags: [tag], dataset })],
        models: [message({ model_id: 'string' })],
      },
      checks: { run_id: requiredText, datasets: list, models: list },
      handle: async ({ run_id: runId = '', datasets = [], models = [] }) => {
        await tracking.logInputs(runId, {
          datasetInputs: datasets.map((input) => ({
            tags: readTags(input.tags),
            dataset: {
              name: input.dataset?.name ?? '',
              digest: input.dataset?.digest ?? '',
              sourceType: input.dataset?.source_type ?? '',
              source: input.dataset?.source ?? '',
              schema: input.dataset?.schema || undefined,
              profile: input.dataset?.profile || undefined,
            },
          })),
          modelInputs: models.map(({ model_id: modelId = '' }) => modelId),
        });
        return {};
      },
    }),
    rpc({
      rpc: 'logOutputs',
      method: 'POST',
      path: '/mlflow/runs/outputs',
      fields: { run_id: 'string', models: [message({ model_id: 'string', step: 'int64' })] },
      checks: { run_id: requiredText, models: { ...list, isRequired: true } },
      handle: async ({ models = [], ...sent }) => {
        const runId = readRunId(sent);
        const outputs = models.map(({ model_id: modelId = '', step = 0 }) => ({ modelId, step }));
        await tracking.logOutputs(runId, outputs);
        return {};
      },
    }),
  ];
}
