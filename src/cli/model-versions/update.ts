import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';
import { createNameArgument, createVersionArgument } from './arguments.ts';

/** `mlts model-versions update NAME VERSION --description TEXT`. */
export function createUpdateCommand(context: Context): Command {
  return new Command('update')
    .description('change the description of a version')
    .addArgument(createNameArgument())
    .addArgument(createVersionArgument())
    .requiredOption('-d, --description <text>', 'what is special about it')
    .action(
      async (name: string, version: number, { description }: { readonly description: string }) => {
        await withRegistryStore(context, (store) =>
          store.updateVersion(name, version, description),
        );
        context.terminal.note(`updated version ${version} of \`${name}\``);
      },
    );
}
