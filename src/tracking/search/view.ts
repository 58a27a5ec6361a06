import type { LifecycleStage } from '../../core/entities.ts';
import type { View } from '../store.ts';

/** `mlflow/entities/lifecycle_stage.py`, `view_type_to_stages`. */
export function listStages(view: View): readonly LifecycleStage[] {
  switch (view) {
    case 'active_only':
      return ['active'];
    case 'deleted_only':
      return ['deleted'];
    case 'all':
      return ['active', 'deleted'];
  }
}
