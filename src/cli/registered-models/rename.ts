import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';

/** `mlts registered-models rename NAME NEW-NAME`. */
export function createRenameCommand(context: Context): Command {
  return new Command('rename')
    .description('give a registered model another name; versions, tags and aliases go along')
    .argument('<name>', 'the registered model')
    .argument('<new-name>', 'a name that no other one has')
    .action(async (name: string, newName: string) => {
      await withRegistryStore(context, (store) => store.renameModel(name, newName));
      context.terminal.note(`renamed registered model \`${name}\` to \`${newName}\``);
    });
}
