import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';

/** `mlts registered-models delete-tag NAME KEY`. */
export function createDeleteTagCommand(context: Context): Command {
  return new Command('delete-tag')
    .description('delete a tag of a registered model')
    .argument('<name>', 'the registered model')
    .argument('<key>', "the tag's name")
    .action(async (name: string, key: string) => {
      await withRegistryStore(context, (store) => store.deleteModelTag(name, key));
      context.terminal.note(`deleted tag \`${key}\` of registered model \`${name}\``);
    });
}
