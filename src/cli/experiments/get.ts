import { Command, Option } from 'commander';
import type { Experiment } from '../../core/entities.ts';
import { NotFound, UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import type { TrackingStore } from '../../tracking/store.ts';
import { withTrackingStore } from '../tracking-store.ts';

interface GetFlags {
  readonly experimentId?: string;
  readonly experimentName?: string;
  readonly output: 'table' | 'json';
}

/** `mlflow experiments get` (`mlflow/experiments.py`). */
export function createGetCommand(context: Context): Command {
  return new Command('get')
    .description('show an experiment')
    .option('-x, --experiment-id <id>', 'by its id')
    .option('-n, --experiment-name <name>', 'by its name')
    .addOption(
      new Option('-o, --output <format>', 'how to show it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .action(async (flags: GetFlags) => {
      const { experimentId: id, experimentName: name } = flags;
      if ((id === undefined) === (name === undefined)) {
        throw new UsageError('give exactly one of --experiment-id and --experiment-name');
      }
      const experiment = await withTrackingStore(context, (store) => find(flags, store));
      const { renderExperiment } = await import('./experiment-view.ts');
      context.terminal.print(renderExperiment(experiment, flags.output));
    });
}

async function find(flags: GetFlags, store: TrackingStore): Promise<Experiment> {
  const { experimentId, experimentName = '' } = flags;
  if (experimentId !== undefined) return store.getExperiment(experimentId);
  const found = await store.getExperimentByName(experimentName);
  if (found !== undefined) return found;
  throw new NotFound(`there is no experiment named \`${experimentName}\``, {
    hint: 'list what there is: mlts experiments search',
  });
}
