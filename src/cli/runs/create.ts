import { Command, InvalidArgumentError, Option } from 'commander';
import { type Env, variables } from '../../core/environment-variables.ts';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import type { FinalStatus, RunRecord } from '../../projects/run-record.ts';
import { collect } from '../repeated-option.ts';

/** What commander hands over; names and defaults are those of `mlflow runs create`. */
interface CreateFlags {
  readonly experimentId?: string;
  readonly experimentName?: string;
  readonly runName?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly status: FinalStatus;
  readonly parentRunId?: string;
}

const FINAL_STATUSES: readonly FinalStatus[] = ['FINISHED', 'FAILED', 'KILLED'];

/** `mlflow runs create` (`mlflow/runs.py`): records a run that is over, and prints it as JSON. */
export function createCreateCommand(context: Context): Command {
  return new Command('create')
    .description('record a run that is over')
    .option('--experiment-id <id>', `[${variables.experimentId}]`)
    .option('--experiment-name <name>', `created if absent [${variables.experimentName}]`)
    .option('--run-name <name>', 'default: one that is made up')
    .option('--description <text>', 'what the run is about')
    .option('-t, --tags <key=value>', 'a tag; repeatable', collect)
    .addOption(createStatusOption())
    .option('--parent-run-id <id>', 'the run that this one is a part of')
    .action(async (flags: CreateFlags) => {
      const record = toRunRecord(flags, context.env);
      const { recordRun } = await import('../../projects/run-record.ts');
      const { experimentId, id } = await recordRun(record, context);
      const { status, runName = null } = flags;
      const created = { run_id: id, experiment_id: experimentId, status, run_name: runName };
      context.terminal.print(JSON.stringify(created, null, 2));
    });
}

function createStatusOption(): Option {
  return new Option('--status <status>', 'how it ended: FINISHED, FAILED or KILLED')
    .default('FINISHED')
    .argParser((text: string) => {
      const status = FINAL_STATUSES.find((known) => known === text.toUpperCase());
      if (status !== undefined) return status;
      throw new InvalidArgumentError(`Allowed choices are ${FINAL_STATUSES.join(', ')}.`);
    });
}

function toRunRecord(flags: CreateFlags, env: Env): RunRecord {
  const { runName, description, tags = [], status, parentRunId } = flags;
  return {
    experiment: chooseExperiment(flags, env),
    runName,
    description,
    tags: parseTags(tags),
    status,
    parentRunId,
  };
}

/** A flag comes before the environment; of neither may there be both. */
function chooseExperiment(flags: CreateFlags, env: Env): RunRecord['experiment'] {
  const given = { id: flags.experimentId, name: flags.experimentName };
  const named = {
    id: env[variables.experimentId] || undefined,
    name: env[variables.experimentName] || undefined,
  };
  const chosen = given.id === undefined && given.name === undefined ? named : given;
  if ((chosen.id === undefined) !== (chosen.name === undefined)) return chosen;
  throw new UsageError('exactly one of --experiment-id and --experiment-name is needed', {
    hint: `without them ${variables.experimentId} or ${variables.experimentName} counts`,
  });
}

function parseTags(texts: readonly string[]): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const text of texts) {
    const [, key = '', value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (value === undefined) {
      throw new UsageError(`the tag \`${text}\` is no key=value`, {
        hint: 'write it as -t key=value',
      });
    }
    if (tags.has(key)) {
      throw new UsageError(`the tag \`${key}\` is given twice`, { hint: 'leave one of them out' });
    }
    tags.set(key, value);
  }
  return tags;
}
