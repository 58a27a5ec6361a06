import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';
import { createNameArgument, createVersionArgument } from './arguments.ts';

/** `mlts model-versions delete-tag NAME VERSION KEY`. */
export function createDeleteTagCommand(context: Context): Command {
  return new Command('delete-tag')
    .description('delete a tag of a version')
    .addArgument(createNameArgument())
    .addArgument(createVersionArgument())
    .argument('<key>', "the tag's name")
    .action(async (name: string, version: number, key: string) => {
      await withRegistryStore(context, (store) => store.deleteVersionTag(name, version, key));
      context.terminal.note(`deleted tag \`${key}\` of version ${version} of \`${name}\``);
    });
}
