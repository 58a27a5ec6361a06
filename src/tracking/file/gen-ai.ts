import { MltsError } from '../../core/errors.ts';
import type { GenAiStore } from '../store.ts';

/** A folder has no GenAI part (`mlflow/store/tracking/_sql_backend_utils.py`, `filestore_not_supported`). */
export const noGenAiStore: GenAiStore = {
  async searchDatasets() {
    throw needsDatabase('evaluation datasets');
  },
  async linkTraces() {
    throw needsDatabase('traces');
  },
};

function needsDatabase(what: string): MltsError {
  return new MltsError('NOT_IMPLEMENTED', `a folder of runs keeps no ${what}`, {
    hint: 'set MLFLOW_TRACKING_URI to sqlite:///FILE, postgresql://... or an MLflow server',
  });
}
