import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';

/** `mlts registered-models set-tag NAME KEY VALUE`. */
export function createSetTagCommand(context: Context): Command {
  return new Command('set-tag')
    .description('set a tag of a registered model')
    .argument('<name>', 'the registered model')
    .argument('<key>', "the tag's name")
    .argument('<value>', 'its new value')
    .action(async (name: string, key: string, value: string) => {
      await withRegistryStore(context, (store) => store.setModelTag(name, { key, value }));
      context.terminal.note(`set tag \`${key}\` of registered model \`${name}\``);
    });
}
