import { InvalidInput } from '../core/errors.ts';
import { findStage, MODEL_STAGES, type ModelStage } from '../core/model-registry.ts';

/** @throws InvalidInput for what is no whole number. */
export function readVersionNumber(text: string): number {
  const version = Number(text);
  if (/^\s*[+-]?\d+\s*$/.test(text) && Number.isSafeInteger(version)) return version;
  throw new InvalidInput(`\`version\` is \`${text}\`, and has to be a whole number`);
}

/** In whatever case it is written. @throws InvalidInput */
export function readStage(text: string): ModelStage {
  const found = findStage(text);
  if (found !== undefined) return found;
  throw new InvalidInput(`\`${text}\` is no stage: ${MODEL_STAGES.join(', ')} are`);
}
