import { Option } from 'commander';
import { UsageError } from '../../core/errors.ts';

/** MLflow's `--trace-archival-retention`, known only so that it can be refused. */
export function createArchivalRetentionOption(): Option {
  return new Option('--trace-archival-retention <duration>').hideHelp();
}

export function refuseTraces(): UsageError {
  return new UsageError('mlts keeps no traces, so it has no rules for archiving them', {
    hint: 'use `mlflow experiments update` for the --trace-... options',
  });
}
