import { InvalidInput, NotFound } from '../../core/errors.ts';
import { integer, list, requiredText, text, texts } from '../checks.ts';
import { type Endpoint, rpc } from '../endpoint.ts';
import { checkLocation } from '../location-rules.ts';
import type { Services } from '../services.ts';
import { readTags, tag, VIEWS, viewType } from '../shared-fields.ts';
import { writeExperiment, writeList, writeToken } from '../wire.ts';

/** What one search of experiments may ask for; it has to ask for something. */
const MOST_FOUND = 50_000;
/** Experiments whose datasets are told at once. */
const MOST_SUMMARIZED = 20;

export function listExperimentEndpoints(services: Services): readonly Endpoint[] {
  return [
    ...listReading(services),
    ...listChanging(services),
    ...listTagging(services),
    summarizeDatasets(services),
  ];
}

function listReading({ tracking }: Services): readonly Endpoint[] {
  const search = {
    rpc: 'searchExperiments',
    path: '/mlflow/experiments/search',
    fields: {
      max_results: 'int64',
      page_token: 'string',
      filter: 'string',
      order_by: ['string'],
      view_type: viewType,
    },
    checks: {
      max_results: { ...integer, most: MOST_FOUND },
      order_by: texts,
      filter: text,
      page_token: text,
    },
  } as const;
  return [
    rpc({
      rpc: 'getExperiment',
      method: 'GET',
      path: '/mlflow/experiments/get',
      fields: { experiment_id: 'string' },
      checks: { experiment_id: requiredText },
      handle: async ({ experiment_id: id = '' }) => ({
        experiment: writeExperiment(await tracking.getExperiment(id)),
      }),
    }),
    rpc({
      rpc: 'getExperimentByName',
      method: 'GET',
      path: '/mlflow/experiments/get-by-name',
      fields: { experiment_name: 'string' },
      checks: { experiment_name: requiredText },
      handle: async ({ experiment_name: name = '' }) => {
        const found = await tracking.getExperimentByName(name);
        if (found === undefined) throw new NotFound(`there is no experiment named \`${name}\``);
        return { experiment: writeExperiment(found) };
      },
    }),
    ...(['GET', 'POST'] as const).map((method) =>
      rpc({
        ...search,
        method,
        handle: async (message) => {
          const { items, nextPageToken } = await tracking.searchExperiments({
            maxResults: message.max_results ?? 0,
            pageToken: message.page_token,
            filter: message.filter,
            orderBy: message.order_by,
            view: VIEWS[message.view_type ?? 'ACTIVE_ONLY'],
          });
          return {
            ...writeList('experiments', items, writeExperiment),
            ...writeToken(nextPageToken),
          };
        },
      }),
    ),
  ];
}

/** For browsers only, as in MLflow: which datasets the runs of an experiment used. */
function summarizeDatasets({ tracking }: Services): Endpoint {
  return rpc({
    rpc: 'searchDatasets',
    method: 'POST',
    path: '/mlflow/experiments/search-datasets',
    isForBrowsers: true,
    fields: { experiment_ids: ['string'] },
    handle: async ({ experiment_ids: ids = [] }) => {
      if (ids.length === 0) throw new InvalidInput('no experiment is named');
      if (ids.length > MOST_SUMMARIZED) {
        throw new InvalidInput(
          `${ids.length} experiments are too many: at most ${MOST_SUMMARIZED}`,
        );
      }
      return writeList('dataset_summaries', await tracking.summarizeDatasets(ids), (dataset) => ({
        experiment_id: dataset.experimentId,
        name: dataset.name,
        digest: dataset.digest,
        ...(dataset.context === undefined ? {} : { context: dataset.context }),
      }));
    },
  });
}

function listChanging({ tracking, trustedLocations }: Services): readonly Endpoint[] {
  const move = (rpcName: string, verb: string, work: (id: string) => Promise<void>): Endpoint =>
    rpc({
      rpc: rpcName,
      method: 'POST',
      path: `/mlflow/experiments/${verb}`,
      fields: { experiment_id: 'string' },
      checks: { experiment_id: requiredText },
      handle: async ({ experiment_id: id = '' }) => {
        await work(id);
        return {};
      },
    });
  return [
    rpc({
      rpc: 'createExperiment',
      method: 'POST',
      path: '/mlflow/experiments/create',
      fields: { name: 'string', artifact_location: 'string', tags: [tag] },
      checks: { name: requiredText, artifact_location: text, tags: list },
      handle: async ({ name = '', artifact_location: artifactLocation = '', tags }) => {
        checkLocation(artifactLocation, trustedLocations);
        const experiment = { name, artifactLocation, tags: readTags(tags) };
        return { experiment_id: await tracking.createExperiment(experiment) };
      },
    }),
    rpc({
      rpc: 'updateExperiment',
      method: 'POST',
      path: '/mlflow/experiments/update',
      fields: { experiment_id: 'string', new_name: 'string' },
      checks: { experiment_id: requiredText, new_name: requiredText },
      handle: async ({ experiment_id: id = '', new_name: name = '' }) => {
        await tracking.renameExperiment(id, name);
        return {};
      },
    }),
    move('deleteExperiment', 'delete', (id) => tracking.deleteExperiment(id)),
    move('restoreExperiment', 'restore', (id) => tracking.restoreExperiment(id)),
  ];
}

function listTagging({ tracking }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'setExperimentTag',
      method: 'POST',
      path: '/mlflow/experiments/set-experiment-tag',
      fields: { experiment_id: 'string', key: 'string', value: 'string' },
      checks: { experiment_id: requiredText, key: requiredText, value: text },
      handle: async ({ experiment_id: id = '', key = '', value = '' }) => {
        await tracking.setExperimentTag(id, { key, value });
        return {};
      },
    }),
    rpc({
      rpc: 'deleteExperimentTag',
      method: 'POST',
      path: '/mlflow/experiments/delete-experiment-tag',
      fields: { experiment_id: 'string', key: 'string' },
      checks: { experiment_id: requiredText, key: requiredText },
      handle: async ({ experiment_id: id = '', key = '' }) => {
        await tracking.deleteExperimentTag(id, key);
        return {};
      },
    }),
  ];
}
