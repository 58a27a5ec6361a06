import type { DatasetSummary } from '../core/entities.ts';
import type { TrackingStore } from './store.ts';

/** As many as MLflow tells of (`MAX_DATASET_SUMMARIES_RESULTS`). */
export const MOST_SUMMARIES = 1_000;

const CONTEXT_TAG = 'mlflow.data.context';

/** For stores that keep datasets beside each run: all runs are looked at. */
export async function summarizeByRuns(
  store: Pick<TrackingStore, 'scanRuns' | 'getLinksOfRuns'>,
  experimentIds: readonly string[],
): Promise<readonly DatasetSummary[]> {
  const found = new Map<string, DatasetSummary>();
  for await (const runs of store.scanRuns({ experimentIds, view: 'all', isInfoEnough: true })) {
    const links = await store.getLinksOfRuns(runs.map(({ info }) => info.id));
    for (const { info } of runs) {
      for (const { dataset, tags } of links.get(info.id)?.datasetInputs ?? []) {
        const { name, digest } = dataset;
        const context = tags.find(({ key }) => key === CONTEXT_TAG)?.value;
        const summary = { experimentId: info.experimentId, name, digest, context };
        found.set(JSON.stringify(summary), summary);
        if (found.size === MOST_SUMMARIES) return [...found.values()];
      }
    }
  }
  return [...found.values()];
}
