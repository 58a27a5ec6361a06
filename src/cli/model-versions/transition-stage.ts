import { Argument, Command } from 'commander';
import { MODEL_STAGES, type ModelStage } from '../../core/model-registry.ts';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';
import { createNameArgument, createVersionArgument, parseStage } from './arguments.ts';

interface TransitionFlags {
  readonly archiveExisting: boolean;
}

/** `mlts model-versions transition-stage NAME VERSION STAGE`. */
export function createTransitionStageCommand(context: Context): Command {
  return new Command('transition-stage')
    .description('move a version to another stage')
    .addArgument(createNameArgument())
    .addArgument(createVersionArgument())
    .addArgument(new Argument('<stage>', MODEL_STAGES.join(', ')).argParser(parseStage))
    .option('--archive-existing', 'archive the versions that are in that stage', false)
    .action(async (name: string, version: number, stage: ModelStage, flags: TransitionFlags) => {
      const change = { stage, archivesExisting: flags.archiveExisting };
      await withRegistryStore(context, (store) => store.moveVersion(name, version, change));
      context.terminal.note(`version ${version} of \`${name}\` is in ${stage} now`);
    });
}
