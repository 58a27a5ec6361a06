import { InvalidInput, NotFound } from '../core/errors.ts';
import { findStage, MODEL_STAGES, type ModelStage } from '../core/model-registry.ts';

/** Columns have four bytes. */
const LARGEST_VERSION = 2_147_483_647;

/** @throws InvalidInput for what is no whole number, NotFound for one that no version can have. */
export function readVersionNumber(text: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) {
    throw new InvalidInput(`\`version\` is \`${text}\`, and has to be a whole number`);
  }
  const version = Number(text);
  if (Math.abs(version) <= LARGEST_VERSION) return version;
  throw new NotFound(`there is no version ${text}`);
}

/** In whatever case it is written. @throws InvalidInput */
export function readStage(text: string): ModelStage {
  const found = findStage(text);
  if (found !== undefined) return found;
  throw new InvalidInput(`\`${text}\` is no stage: ${MODEL_STAGES.join(', ')} are`);
}
