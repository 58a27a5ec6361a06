import { resolve } from 'node:path';
import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { gather } from '../../search/pages.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createExperimentIdOption, type ExperimentIdFlags } from './options.ts';

interface CsvFlags extends ExperimentIdFlags {
  readonly filename?: string;
}

/** As many as `mlflow.search_runs` returns (`mlflow/tracking/fluent.py`). */
const MOST_RUNS = 100_000;

/** `mlflow experiments csv` (`mlflow/experiments.py`): the bytes that pandas writes. */
export function createCsvCommand(context: Context): Command {
  return new Command('csv')
    .description('write all runs of an experiment as CSV')
    .addOption(createExperimentIdOption())
    .option('-o, --filename <file>', 'default: stdout')
    .action(async ({ experimentId, filename }: CsvFlags) => {
      const search = { experimentIds: [experimentId], view: 'active_only' } as const;
      const runs = await withTrackingStore(context, (store) =>
        gather(store.scanRuns({ ...search, maxResults: MOST_RUNS })),
      );
      const { renderRunsCsv } = await import('./runs-csv.ts');
      const text = renderRunsCsv(runs);
      if (!filename) return context.terminal.print(text);
      const { writeFileAtomically } = await import('../../host/files.ts');
      await writeFileAtomically(resolve(context.cwd, filename), text);
      context.terminal.print(
        `Experiment with ID ${experimentId} has been exported as a CSV to file: ${filename}.`,
      );
    });
}
