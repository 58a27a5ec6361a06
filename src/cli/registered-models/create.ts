import { Command } from 'commander';
import type { Tag } from '../../core/entities.ts';
import type { Context } from '../../host/context.ts';
import { withRegistryStore } from '../registry-store.ts';
import { createTagOption } from '../tag-option.ts';

interface CreateFlags {
  readonly description?: string;
  readonly tag?: readonly Tag[];
}

/** `mlts registered-models create NAME`: `MlflowClient.create_registered_model`. */
export function createCreateCommand(context: Context): Command {
  return new Command('create')
    .description('create a registered model, without versions')
    .argument('<name>', 'its name, which no other one has')
    .option('-d, --description <text>', 'what it is for')
    .addOption(createTagOption())
    .action(async (name: string, { description, tag = [] }: CreateFlags) => {
      await withRegistryStore(context, (store) =>
        store.createModel({ name, description, tags: tag }),
      );
      context.terminal.note(`created registered model \`${name}\``);
    });
}
