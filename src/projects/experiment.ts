import { NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { refuseDeleted } from '../tracking/lifecycle.ts';
import type { TrackingStore } from '../tracking/store.ts';
import type { RunOptions } from './run-options.ts';

export interface ResolvedExperiment {
  readonly id: string;
  readonly name: string;
}

/** MLflow's experiment `Default` (`mlflow/entities/experiment.py`). */
const DEFAULT_EXPERIMENT_ID = '0';
/** Of an experiment that is deleted. */
const INSTEAD = 'name another one';

/**
 * The experiment that the run belongs to; one that is asked for by name is created if it is not there
 * (`mlflow/projects/__init__.py`, `_resolve_experiment_id`).
 *
 * @throws InvalidInput where it is deleted, or name and id mean different ones; NotFound for an unknown id.
 */
export async function resolveExperiment(
  asked: RunOptions['experiment'],
  store: TrackingStore,
  context: Context,
): Promise<ResolvedExperiment> {
  if (asked.name !== undefined) return resolveByName(asked.name, asked.id, store, context);
  const id = asked.id ?? DEFAULT_EXPERIMENT_ID;
  const experiment = await store.getExperiment(id);
  const { name, lifecycleStage } = experiment;
  refuseDeleted('experiment', id, lifecycleStage, { name, instead: INSTEAD });
  return { id, name };
}

async function resolveByName(
  name: string,
  id: string | undefined,
  store: TrackingStore,
  context: Context,
): Promise<ResolvedExperiment> {
  const known = await store.getExperimentByName(name);
  if (known !== undefined) {
    if (id !== undefined && id !== known.id) throw disagreement(name, known.id, id);
    refuseDeleted('experiment', known.id, known.lifecycleStage, { name, instead: INSTEAD });
    return { id: known.id, name };
  }
  if (id !== undefined) throw disagreement(name, 'new', id);
  const created = await store.createExperiment({ name }).catch(async (error: unknown) => {
    // Somebody else may have created it between the look-up and now.
    const other = await store.getExperimentByName(name);
    if (other === undefined) throw error;
    return other.id;
  });
  context.terminal.note(`created experiment \`${name}\` (${created})`);
  return { id: created, name };
}

function disagreement(name: string, idOfName: string, id: string): NotFound {
  return new NotFound(
    `MLFLOW_EXPERIMENT_NAME is \`${name}\` (${idOfName}), but MLFLOW_EXPERIMENT_ID is \`${id}\``,
    { hint: 'unset one of them, or give --experiment-name or --experiment-id' },
  );
}
