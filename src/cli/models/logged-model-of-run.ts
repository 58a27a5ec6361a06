import type { RunInfo } from '../../core/entities.ts';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import type { LoggedModel } from '../../core/logged-model.ts';
import { readAll } from '../../search/pages.ts';
import type { TrackingStore } from '../../tracking/store.ts';

/**
 * The model that a run logged under `name`; of several the one logged at the largest step
 * (`mlflow/tracking/_model_registry/fluent.py`, `_get_logged_models_from_run`).
 */
export async function findLoggedModelOfRun(
  run: RunInfo,
  name: string,
  tracking: TrackingStore,
): Promise<LoggedModel | undefined> {
  // No logged model is named so; a quote would end the text in the filter.
  if (name === '' || /[/:.%"']/.test(name)) return undefined;
  const models = await listModels(run, name, tracking);
  if (models.length < 2) return models[0];
  const { modelOutputs } = await tracking.getRunLinks(run.id);
  const steps = new Map(modelOutputs.map(({ modelId, step }) => [modelId, step]));
  const stepOf = ({ id }: LoggedModel): number => steps.get(id) ?? Number.NEGATIVE_INFINITY;
  return models.reduce((best, model) => (stepOf(model) > stepOf(best) ? model : best));
}

/** Servers before MLflow 3 know no such models. */
async function listModels(
  { id, experimentId }: RunInfo,
  name: string,
  { loggedModels }: TrackingStore,
): Promise<readonly LoggedModel[]> {
  const search = { experimentIds: [experimentId], filter: `name = '${name}'` };
  try {
    const models = await readAll((page) => loggedModels.search({ ...search, ...page }));
    return models.filter(({ sourceRunId }) => sourceRunId === id);
  } catch (error) {
    if (error instanceof NotFound || error instanceof InvalidInput) return [];
    throw error;
  }
}
