import { Command, Option } from 'commander';
import type { Context } from '../host/context.ts';

/** `mlts project validate [PATH]`: what MLflow has no word for. */
export function projectCommand(context: Context, finish: (exitCode: number) => void): Command {
  const project = new Command('project')
    .description('check and describe MLproject files')
    .helpOption('-h, --help', 'show this help');
  project
    .command('validate')
    .helpOption('-h, --help', 'show this help')
    .description('check a project and show its entry points; all problems at once, with lines')
    .argument('[path]', 'the project: a folder, a zip or a Git repository', '.')
    .addOption(
      new Option('-o, --output <format>', 'how to show it')
        .choices(['text', 'json'])
        .default('text'),
    )
    .action(async (path: string, { output }: { readonly output: 'text' | 'json' }) => {
      const { validateProject } = await import('../projects/describe.ts');
      context.terminal.print(await validateProject(path, output, context));
      finish(0);
    });
  return project;
}
