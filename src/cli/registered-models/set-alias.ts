import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { createVersionArgument } from '../model-versions/arguments.ts';
import { withRegistryStore } from '../registry-store.ts';

/** `mlts registered-models set-alias NAME ALIAS VERSION`, in the order of Python's client. */
export function createSetAliasCommand(context: Context): Command {
  return new Command('set-alias')
    .description('give an alias to a version, whichever had it before')
    .argument('<name>', 'the registered model')
    .argument('<alias>', 'such as: champion')
    .addArgument(createVersionArgument())
    .action(async (name: string, alias: string, version: number) => {
      await withRegistryStore(context, (store) => store.setAlias(name, alias, version));
      context.terminal.note(`\`${name}@${alias}\` is version ${version} now`);
    });
}
