import type { Dataset, DatasetInput, RunInputs, Tag } from '../core/entities.ts';
import { InvalidInput } from '../core/errors.ts';
import { lengthOf } from '../core/key.ts';
import { checkModelId } from './logged-model-limits.ts';

/** What MLflow's stores take (`mlflow/utils/validation.py`); lengths in characters. */
const LONGEST = {
  name: 500,
  digest: 36,
  source: 65_535,
  schema: 1_048_575,
  profile: 16_777_215,
  tagKey: 255,
  tagValue: 500,
} as const;

/**
 * Checks what a run was given. Of a dataset that comes twice, by name and digest, the first one counts.
 *
 * @throws InvalidInput for what MLflow refuses.
 */
export function checkInputs({
  datasetInputs = [],
  modelInputs = [],
}: Partial<RunInputs>): RunInputs {
  const first = new Map<string, DatasetInput>();
  for (const input of datasetInputs) {
    checkDataset(input.dataset);
    input.tags.forEach(checkInputTag);
    const key = JSON.stringify([input.dataset.name, input.dataset.digest]);
    if (!first.has(key)) first.set(key, input);
  }
  return {
    datasetInputs: [...first.values()],
    modelInputs: [...new Set(modelInputs.map(checkModelId))],
  };
}

function checkDataset(dataset: Dataset): void {
  if (dataset.name === '') throw new InvalidInput('the name of the dataset is empty');
  for (const part of ['name', 'digest', 'source', 'schema', 'profile'] as const) {
    const limit = LONGEST[part];
    checkLength(`the ${part} of dataset \`${dataset.name}\``, dataset[part] ?? '', limit);
  }
}

function checkInputTag({ key, value }: Tag): void {
  checkLength('the name of an input tag', key, LONGEST.tagKey);
  checkLength(`the input tag \`${key}\``, value, LONGEST.tagValue);
}

function checkLength(what: string, text: string, limit: number): void {
  if (text.length <= limit || lengthOf(text) <= limit) return;
  throw new InvalidInput(`${what} is longer than ${limit} characters`);
}
