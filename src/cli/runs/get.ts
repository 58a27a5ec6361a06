import { stripVTControlCharacters } from 'node:util';
import { Command, Option } from 'commander';
import type { Context } from '../../host/context.ts';
import { withTrackingStore } from '../tracking-store.ts';

/** `mlts runs get RUN`: a run for people, or as the REST API writes it. */
export function createGetCommand(context: Context): Command {
  return new Command('get')
    .description('show a run with its metrics, params and tags')
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
    return renderRun(run, await store.getExperiment(run.info.experimentId), style);
  });
  // The styles are those of stderr: stdout may go to a file.
  return columns === undefined ? stripVTControlCharacters(text) : text;
}
