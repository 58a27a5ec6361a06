import { Option } from 'commander';

/** `--run-id`, which here has a short form too. */
export function createRunIdOption(): Option {
  return new Option('-r, --run-id <id>', 'the run').makeOptionMandatory();
}

export function createTargetPathOption(): Option {
  return new Option('-a, --artifact-path <path>', "a folder below the run's artifacts to log into");
}

/** `--no-cache`, as MLTS_MODEL_CACHE=off. */
export function createNoCacheOption(): Option {
  return new Option('--no-cache', 'download all of a model anew, and keep no copy of it');
}
