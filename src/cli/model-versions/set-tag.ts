import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';
import { createNameArgument, createVersionArgument } from './arguments.ts';

/** `mlts model-versions set-tag NAME VERSION KEY VALUE`. */
export function createSetTagCommand(context: Context): Command {
  return new Command('set-tag')
    .description('set a tag of a version')
    .addArgument(createNameArgument())
    .addArgument(createVersionArgument())
    .argument('<key>', "the tag's name")
    .argument('<value>', 'its new value')
    .action(async (name: string, version: number, key: string, value: string) => {
      await withRegistryStore(context, (store) =>
        store.setVersionTag(name, version, { key, value }),
      );
      context.terminal.note(`set tag \`${key}\` of version ${version} of \`${name}\``);
    });
}
