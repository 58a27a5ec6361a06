import type { Command, Option } from 'commander';
import type { Env } from '../core/environment-variables.ts';
import { UsageError } from '../core/errors.ts';

const YES = ['1', 'true', 't', 'yes', 'y', 'on'];
const NO = ['', '0', 'false', 'f', 'no', 'n', 'off'];

/**
 * Has commander read the variables of options as click, and so MLflow, reads them: one that is set to nothing is none, and
 * that of a flag is yes or no. By itself commander takes anything for an answer: `MLFLOW_HOST=` would listen on every
 * address, and `MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE=false` disable it.
 *
 * @throws UsageError for the variable of a flag that is neither yes nor no.
 */
export function heedVariables(command: Command, env: Env): void {
  for (const option of command.options) {
    const { envVar: name } = option;
    if (name === undefined) continue;
    const text = env[name] ?? '';
    const isFlag = !option.required && !option.optional;
    if (text === '' || (isFlag && !isAsked(option, name, text))) delete option.envVar;
  }
}

/** Whether the flag is to be taken as given; `--no-x` is where its variable says no. */
function isAsked(option: Option, name: string, text: string): boolean {
  const word = text.trim().toLowerCase();
  const says = YES.includes(word);
  if (!says && !NO.includes(word)) {
    throw new UsageError(`${name} must be yes or no, got \`${text}\``, {
      hint: `that is ${YES.join(', ')}; or ${NO.filter(Boolean).join(', ')}`,
    });
  }
  return option.negate ? !says : says;
}
