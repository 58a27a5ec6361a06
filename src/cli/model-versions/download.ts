import { Argument, Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { withArtifactResolver } from '../artifact-resolver.ts';
import { createNoCacheOption } from '../artifacts/options.ts';
import { createNameArgument } from './arguments.ts';

interface DownloadFlags {
  readonly dstPath?: string;
  readonly cache: boolean;
}

/** `mlts model-versions download NAME VERSION`: as `artifacts download -u models:/NAME/VERSION`. */
export function createDownloadCommand(context: Context): Command {
  return new Command('download')
    .description('download the files of a version, and print where they are')
    .addArgument(createNameArgument())
    .addArgument(new Argument('<version>', 'its number, `@alias`, a stage, or `latest`'))
    .option('-d, --dst-path <folder>', 'where to; default: a new temporary folder')
    .addOption(createNoCacheOption())
    .action(async (name: string, version: string, { dstPath, cache }: DownloadFlags) => {
      const uri = toModelUri(name, version);
      const path = await withArtifactResolver(context, async (resolver) => {
        const { deliverArtifact } = await import('../../artifacts/delivery.ts');
        return deliverArtifact(uri, dstPath, context, resolver, { usesCache: cache });
      });
      context.terminal.print(path);
    });
}

function toModelUri(name: string, version: string): string {
  if (!/^(@[^@/]+|[^@/]+)$/.test(version)) {
    throw new UsageError(`\`${version}\` names no version`, {
      hint: 'write its number, @alias, a stage, or latest',
    });
  }
  return version.startsWith('@') ? `models:/${name}${version}` : `models:/${name}/${version}`;
}
