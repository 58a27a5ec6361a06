import { Command } from 'commander';
import { RequirementFailed } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import type { Finding } from '../../models/finding.ts';
import { createOutputOption } from '../output.ts';
import { fetchLocalModel } from './local-model.ts';

interface CheckFlags {
  readonly online: boolean;
  readonly strict: boolean;
  readonly output: 'table' | 'json';
}

/** `mlts models check URI`: what will go wrong when the model is served, before it is. */
export function createCheckCommand(context: Context): Command {
  return new Command('check')
    .description('look for what will go wrong when a model is served; exit 3 where something will')
    .argument('<model-uri>', 'models:/NAME/VERSION, runs:/RUN/NAME, an artifact URI, a folder')
    .option('--online', 'ask the package index whether it has what the model requires', false)
    .option('--strict', 'exit 3 for notes too: pickles, whole numbers, sizes', false)
    .addOption(createOutputOption(['table', 'json']))
    .action((uri: string, flags: CheckFlags) => check(uri, flags, context));
}

async function check(uri: string, flags: CheckFlags, context: Context): Promise<void> {
  const model = await fetchLocalModel(uri, context);
  const [{ checkModel }, { checkEnvironment }] = await Promise.all([
    import('../../models/check-model.ts'),
    import('../../serving/check-environment.ts'),
  ]);
  const findings = [
    ...(await checkModel(model)),
    ...(await checkEnvironment(model, { asksIndex: flags.online }, context)),
  ];
  if (flags.output === 'json') {
    context.terminal.print(JSON.stringify({ model_uri: model.uri, findings }, null, 2));
  } else {
    for (const finding of findings) context.terminal.print(render(finding));
  }
  const counting = findings.filter(({ level }) => flags.strict || level !== 'note');
  if (counting.length === 0) return context.terminal.note(`${model.uri} can be served`);
  const count = counting.length === 1 ? 'one finding' : `${counting.length} findings`;
  throw new RequirementFailed(`${model.uri} has ${count}`);
}

function render({ level, rule, message, hint }: Finding): string {
  return `${level}: ${message} [${rule}]\n  hint: ${hint}`;
}
