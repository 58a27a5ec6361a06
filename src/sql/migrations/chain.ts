import { budgets } from './budgets.ts';
import { gateway } from './gateway.ts';
import { jobs } from './jobs.ts';
import type { Migration } from './migration.ts';
import { fromMlflow2 } from './mlflow-2.ts';
import { fromMlflow3 } from './mlflow-3.ts';
import { reviews } from './reviews.ts';
import { traceAnalytics } from './trace-analytics.ts';
import { workspaces } from './workspaces.ts';

/** All of them, one after the other; the last one leads to the schema that mlts reads and writes. */
export const migrations: readonly Migration[] = [
  ...fromMlflow2,
  ...fromMlflow3,
  ...gateway,
  workspaces,
  ...budgets,
  ...reviews,
  traceAnalytics,
  jobs,
];
