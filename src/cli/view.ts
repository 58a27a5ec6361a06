import { Option } from 'commander';
import type { View } from '../tracking/store.ts';

const VIEWS: readonly View[] = ['active_only', 'deleted_only', 'all'];

/** `--view`, as MLflow's lists take it. */
export function createViewOption(): Option {
  return new Option('-v, --view <view>', 'whether deleted ones are shown')
    .choices(VIEWS)
    .default('active_only');
}
