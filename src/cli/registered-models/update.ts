import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';

/** `mlts registered-models update NAME --description TEXT`. */
export function createUpdateCommand(context: Context): Command {
  return new Command('update')
    .description('change the description of a registered model')
    .argument('<name>', 'the registered model')
    .requiredOption('-d, --description <text>', 'what it is for')
    .action(async (name: string, { description }: { readonly description: string }) => {
      await withRegistryStore(context, (store) => store.updateModel(name, description));
      context.terminal.note(`updated registered model \`${name}\``);
    });
}
