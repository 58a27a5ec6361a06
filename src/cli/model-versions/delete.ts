import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';
import { createNameArgument, createVersionArgument } from './arguments.ts';

/** `mlts model-versions delete NAME VERSION`. */
export function createDeleteCommand(context: Context): Command {
  return new Command('delete')
    .description('delete a version and its aliases; its number is not given again')
    .addArgument(createNameArgument())
    .addArgument(createVersionArgument())
    .action(async (name: string, version: number) => {
      await withRegistryStore(context, (store) => store.deleteVersion(name, version));
      context.terminal.note(`deleted version ${version} of \`${name}\``);
    });
}
