import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';

/** `mlts registered-models delete-alias NAME ALIAS`. */
export function createDeleteAliasCommand(context: Context): Command {
  return new Command('delete-alias')
    .description('delete an alias; its version stays')
    .argument('<name>', 'the registered model')
    .argument('<alias>', 'such as: champion')
    .action(async (name: string, alias: string) => {
      await withRegistryStore(context, (store) => store.deleteAlias(name, alias));
      context.terminal.note(`deleted alias \`${alias}\` of registered model \`${name}\``);
    });
}
