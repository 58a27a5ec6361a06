import { Argument, Command } from 'commander';
import type { Context } from '../host/context.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const SETUP = `
Load it now, and from the shell's start-up file from then on:
  bash  source <(mlts completion bash)     # ~/.bashrc
  zsh   source <(mlts completion zsh)      # ~/.zshrc
  fish  mlts completion fish | source      # ~/.config/fish/config.fish`;

/** `mlts completion SHELL`: prints the script that has the shell complete `mlts` command lines. */
export function completionCommand(context: Context): Command {
  return new Command('completion')
    .description('print the script that completes verbs, options, experiments and runs')
    .helpOption('-h, --help', 'show this help')
    .addArgument(new Argument('<shell>', 'the shell it is for').choices(SHELLS))
    .addHelpText('after', SETUP)
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { scripts } = await import('./completion/scripts.ts');
      context.terminal.print(scripts[shell].trimEnd());
    });
}
