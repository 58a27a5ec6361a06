import { Option } from 'commander';

/** `--experiment-id`, which most verbs of MLflow's group cannot do without. */
export function createExperimentIdOption(): Option {
  return new Option('-x, --experiment-id <id>', 'the experiment').makeOptionMandatory();
}

export interface ExperimentIdFlags {
  readonly experimentId: string;
}
