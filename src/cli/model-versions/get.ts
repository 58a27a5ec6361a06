import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { createOutputOption } from '../output.ts';
import { withRegistryStore } from '../registry-store.ts';
import { createNameArgument, createVersionArgument } from './arguments.ts';

/** `mlts model-versions get NAME VERSION`: a version for people, or as the REST API writes it. */
export function createGetCommand(context: Context): Command {
  return new Command('get')
    .description('show a version with its stage, aliases and tags')
    .addArgument(createNameArgument())
    .addArgument(createVersionArgument())
    .addOption(createOutputOption(['table', 'json']))
    .action(async (name: string, number: number, { output }: { readonly output: string }) => {
      const version = await withRegistryStore(context, (store) => store.getVersion(name, number));
      if (output === 'json') {
        const { toVersionJson } = await import('./version-json.ts');
        return context.terminal.print(JSON.stringify(toVersionJson(version), null, 2));
      }
      const { renderVersion } = await import('./version-view.ts');
      return context.terminal.print(renderVersion(version));
    });
}
