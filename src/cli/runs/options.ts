import { Option } from 'commander';

/** `--run-id`, as MLflow's verbs take it. */
export function createRunIdOption(): Option {
  return new Option('--run-id <id>', 'the run').makeOptionMandatory();
}

export interface RunIdFlags {
  readonly runId: string;
}
