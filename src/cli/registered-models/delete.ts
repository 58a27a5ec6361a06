import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';

/** `mlts registered-models delete NAME`. */
export function createDeleteCommand(context: Context): Command {
  return new Command('delete')
    .description('delete a registered model with all of its versions, for good')
    .argument('<name>', 'the registered model')
    .action(async (name: string) => {
      await withRegistryStore(context, (store) => store.deleteModel(name));
      context.terminal.note(`deleted registered model \`${name}\``);
    });
}
