import { Command, Option } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import type { TrackingStore } from '../../tracking/store.ts';
import {
  ARCHIVE_NOW_TAG,
  createArchiveNowTag,
  createRetentionTag,
  RETENTION_TAG,
} from '../../tracking/trace-archival.ts';
import { withTrackingStore } from '../tracking-store.ts';
import { createExperimentIdOption, type ExperimentIdFlags } from './options.ts';
import { createRetentionOption, parseDuration } from './trace-archival.ts';

interface UpdateFlags extends ExperimentIdFlags {
  readonly traceArchivalRetention?: string;
  readonly clearTraceArchivalRetention?: boolean;
  readonly traceArchiveNow?: boolean;
  readonly traceArchiveNowOlderThan?: string;
  readonly clearTraceArchiveNow?: boolean;
}

/** `mlflow experiments update` (`mlflow/experiments.py`): tags that MLflow's server acts on, some time later. */
export function createUpdateCommand(context: Context): Command {
  return new Command('update')
    .description("set when MLflow's server archives the traces of an experiment")
    .addOption(createExperimentIdOption())
    .addOption(createRetentionOption())
    .option('--clear-trace-archival-retention', "leave that to the server's own settings again")
    .option('--trace-archive-now', 'have all its traces archived at the next occasion')
    .addOption(
      new Option(
        '--trace-archive-now-older-than <duration>',
        'have those archived at the next occasion that are older than 30d, 12h or 45m',
      ).argParser(parseDuration),
    )
    .option('--clear-trace-archive-now', 'take that back')
    .action(async (flags: UpdateFlags) => {
      refuseContradictions(flags);
      const { experimentId: id } = flags;
      const changes = await withTrackingStore(context, (store) => update(flags, store));
      context.terminal.print(`Updated experiment ${id}: ${changes.join('; ')}.`);
    });
}

function refuseContradictions(flags: UpdateFlags): void {
  const { experimentId: _id, ...changes } = flags;
  if (Object.keys(changes).length === 0) {
    throw new UsageError('nothing to update', {
      hint: 'give at least one of the --trace-... or --clear-trace-... options',
    });
  }
  const pairs = [
    ['traceArchivalRetention', 'clearTraceArchivalRetention'],
    ['traceArchiveNow', 'traceArchiveNowOlderThan'],
    ['traceArchiveNow', 'clearTraceArchiveNow'],
    ['traceArchiveNowOlderThan', 'clearTraceArchiveNow'],
  ] as const;
  const both = pairs.find((pair) => pair.every((name) => flags[name] !== undefined));
  if (both === undefined) return;
  const [one, other] = both.map(
    (name) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
  );
  throw new UsageError(`${one} and ${other} exclude each other`);
}

/** Returns what was done, in MLflow's words. */
async function update(flags: UpdateFlags, store: TrackingStore): Promise<readonly string[]> {
  const { experimentId: id, traceArchivalRetention: retention } = flags;
  const olderThan = flags.traceArchiveNowOlderThan;
  const { tags } = await store.getExperiment(id);
  const clear = async (key: string, done: string, unneeded: string): Promise<string> => {
    if (!tags.some((tag) => tag.key === key)) return unneeded;
    await store.deleteExperimentTag(id, key);
    return done;
  };
  const changes: string[] = [];
  if (retention !== undefined) {
    await store.setExperimentTag(id, createRetentionTag(retention));
    changes.push(`set trace archival retention to ${retention}`);
  } else if (flags.clearTraceArchivalRetention) {
    const what = 'trace archival retention override';
    changes.push(await clear(RETENTION_TAG, `cleared ${what}`, `${what} was already unset`));
  }
  if (flags.traceArchiveNow || olderThan !== undefined) {
    await store.setExperimentTag(id, createArchiveNowTag(olderThan));
    const which = olderThan === undefined ? '' : ` for traces older than ${olderThan}`;
    changes.push(`requested archive-now${which} on the next scheduler pass`);
  } else if (flags.clearTraceArchiveNow) {
    const done = 'cleared pending archive-now request';
    changes.push(await clear(ARCHIVE_NOW_TAG, done, 'archive-now request was already unset'));
  }
  return changes;
}
