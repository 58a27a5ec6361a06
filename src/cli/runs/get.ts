import { stripVTControlCharacters } from 'node:util';
import { Command, Option } from 'commander';
import type { RunLinks } from '../../core/entities.ts';
import type { LoggedModel } from '../../core/logged-model.ts';
import type { Context } from '../../host/context.ts';
import { findLoggedModel } from '../../tracking/find-logged-model.ts';
import type { TrackingStore } from '../../tracking/store.ts';
import { withTrackingStore } from '../tracking-store.ts';

/** `mlts runs get RUN`: a run for people, or as the REST API writes it. */
export function createGetCommand(context: Context): Command {
  return new Command('get')
    .description('show a run with its metrics, params, tags, datasets and models')
    .argument('<run-id>', 'the run')
    .addOption(
      new Option('-o, --output <format>', 'how to show it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .action(async (runId: string, { output }: { readonly output: 'table' | 'json' }) => {
      context.terminal.print(
        output === 'json' ? await readJson(runId, context) : await readView(runId, context),
      );
    });
}

async function readJson(runId: string, context: Context): Promise<string> {
  const { toLinkedRunJson } = await import('./run-json.ts');
  return withTrackingStore(context, async (store) => {
    const run = await store.getRun(runId);
    return JSON.stringify(toLinkedRunJson(run, await store.getRunLinks(runId)), null, 2);
  });
}

async function readView(runId: string, context: Context): Promise<string> {
  const { renderRun } = await import('./run-view.ts');
  const { style, columns } = context.terminal;
  const text = await withTrackingStore(context, async (store) => {
    const run = await store.getRun(runId);
    const experiment = await store.getExperiment(run.info.experimentId);
    const links = await store.getRunLinks(runId);
    const models = await findModels(store, links);
    return renderRun({ run, experiment, links, models }, style);
  });
  // The styles are those of stderr: stdout may go to a file.
  return columns === undefined ? stripVTControlCharacters(text) : text;
}

/** Those that are still there; deleted ones are told by their id. */
async function findModels(
  store: TrackingStore,
  { modelInputs, modelOutputs }: RunLinks,
): Promise<ReadonlyMap<string, LoggedModel>> {
  const found = new Map<string, LoggedModel>();
  for (const id of [...modelInputs, ...modelOutputs.map(({ modelId }) => modelId)]) {
    const model = await findLoggedModel(store, id);
    if (model !== undefined) found.set(id, model);
  }
  return found;
}
