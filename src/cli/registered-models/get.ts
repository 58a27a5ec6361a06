import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { createOutputOption } from '../output.ts';
import { withRegistryStore } from '../registry-store.ts';

/** `mlts registered-models get NAME`: a model for people, or as the REST API writes it. */
export function createGetCommand(context: Context): Command {
  return new Command('get')
    .description('show a registered model with its latest versions, aliases and tags')
    .argument('<name>', 'the registered model')
    .addOption(createOutputOption(['table', 'json']))
    .action(async (name: string, { output }: { readonly output: 'table' | 'json' }) => {
      const model = await withRegistryStore(context, (store) => store.getModel(name));
      if (output === 'json') {
        const { toModelJson } = await import('./model-json.ts');
        return context.terminal.print(JSON.stringify(toModelJson(model), null, 2));
      }
      const { renderModel } = await import('./model-view.ts');
      return context.terminal.print(renderModel(model));
    });
}
