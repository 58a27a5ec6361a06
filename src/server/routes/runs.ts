import type { RunLinks } from '../../core/entities.ts';
import { integer, requiredText, text, texts } from '../checks.ts';
import { type Endpoint, rpc, type Wire } from '../endpoint.ts';
import { enumeration } from '../message.ts';
import type { Services } from '../services.ts';
import { readRunId, readTags, tag, VIEWS, viewType } from '../shared-fields.ts';
import { writeList, writeRun, writeRunInfo, writeToken } from '../wire.ts';

const MOST_FOUND = 50_000;
const USUALLY_FOUND = 1_000;

const runStatus = enumeration({
  1: 'RUNNING',
  2: 'SCHEDULED',
  3: 'FINISHED',
  4: 'FAILED',
  5: 'KILLED',
});

const UNLINKED: RunLinks = { datasetInputs: [], modelInputs: [], modelOutputs: [] };

export function listRunEndpoints(services: Services): readonly Endpoint[] {
  return [...listLiving(services), ...listReading(services)];
}

function listLiving({ tracking }: Services): readonly Endpoint[] {
  const move = (rpcName: string, verb: string, work: (runId: string) => Promise<void>): Endpoint =>
    rpc({
      rpc: rpcName,
      method: 'POST',
      path: `/mlflow/runs/${verb}`,
      fields: { run_id: 'string' },
      checks: { run_id: requiredText },
      handle: async (message) => {
        await work(readRunId(message));
        return {};
      },
    });
  return [
    rpc({
      rpc: 'createRun',
      method: 'POST',
      path: '/mlflow/runs/create',
      fields: {
        experiment_id: 'string',
        user_id: 'string',
        run_name: 'string',
        start_time: 'int64',
        tags: [tag],
      },
      checks: { experiment_id: text, start_time: integer, run_name: text },
      handle: async (message) => {
        const run = await tracking.createRun({
          experimentId: message.experiment_id ?? '',
          userId: message.user_id ?? '',
          startTimeMs: message.start_time ?? 0,
          tags: readTags(message.tags),
          ...(message.run_name === undefined ? {} : { runName: message.run_name }),
        });
        const { outputs: _, ...wire } = writeRun(run, UNLINKED);
        return { run: wire };
      },
    }),
    rpc({
      rpc: 'updateRun',
      method: 'POST',
      path: '/mlflow/runs/update',
      fields: {
        run_id: 'string',
        run_uuid: 'string',
        status: runStatus,
        end_time: 'int64',
        run_name: 'string',
      },
      checks: { run_id: requiredText, end_time: integer, status: text, run_name: text },
      handle: async (message) => {
        const info = await tracking.updateRun(readRunId(message), {
          ...(message.status === undefined ? {} : { status: message.status }),
          ...(message.end_time === undefined ? {} : { endTimeMs: message.end_time }),
          ...(message.run_name === undefined ? {} : { runName: message.run_name }),
        });
        return { run_info: writeRunInfo(info) };
      },
    }),
    move('deleteRun', 'delete', (runId) => tracking.deleteRun(runId)),
    move('restoreRun', 'restore', (runId) => tracking.restoreRun(runId)),
  ];
}

function listReading({ tracking }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'getRun',
      method: 'GET',
      path: '/mlflow/runs/get',
      fields: { run_id: 'string', run_uuid: 'string' },
      checks: { run_id: requiredText },
      handle: async (message) => {
        const runId = readRunId(message);
        const run = await tracking.getRun(runId);
        return { run: writeRun(run, await tracking.getRunLinks(runId)) };
      },
    }),
    rpc({
      rpc: 'searchRuns',
      method: 'POST',
      path: '/mlflow/runs/search',
      fields: {
        experiment_ids: ['string'],
        filter: 'string',
        run_view_type: viewType,
        max_results: 'int32',
        order_by: ['string'],
        page_token: 'string',
      },
      checks: {
        experiment_ids: { kind: 'list' },
        filter: text,
        max_results: { ...integer, most: MOST_FOUND },
        order_by: texts,
      },
      handle: async (message, { signal }): Promise<Wire> => {
        const { items, nextPageToken } = await tracking.searchRuns({
          signal,
          experimentIds: message.experiment_ids ?? [],
          filter: message.filter,
          orderBy: message.order_by,
          view: VIEWS[message.run_view_type ?? 'ACTIVE_ONLY'],
          maxResults: message.max_results ?? USUALLY_FOUND,
          pageToken: message.page_token,
        });
        const links = await tracking.getLinksOfRuns(items.map(({ info }) => info.id));
        return {
          ...writeList('runs', items, (run) => writeRun(run, links.get(run.info.id) ?? UNLINKED)),
          ...writeToken(nextPageToken),
        };
      },
    }),
  ];
}
