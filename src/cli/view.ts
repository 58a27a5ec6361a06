import { InvalidArgumentError, Option } from 'commander';
import type { View } from '../tracking/store.ts';

const VIEWS: readonly View[] = ['active_only', 'deleted_only', 'all'];

/** `--view`, as MLflow's lists take it. */
export function createViewOption(): Option {
  return new Option('-v, --view <view>', 'whether deleted ones are shown')
    .choices(VIEWS)
    .argParser(parseView)
    .default('active_only');
}

/** An empty one is none, as in MLflow. */
function parseView(text: string): View {
  const view = text === '' ? 'active_only' : VIEWS.find((known) => known === text);
  if (view !== undefined) return view;
  throw new InvalidArgumentError(`Allowed choices are ${VIEWS.join(', ')}.`);
}
