import { Argument, InvalidArgumentError } from 'commander';
import { findStage, MODEL_STAGES, type ModelStage } from '../../core/model-registry.ts';

export function createNameArgument(): Argument {
  return new Argument('<name>', 'the registered model');
}

export function createVersionArgument(): Argument {
  return new Argument('<version>', 'the number of the version').argParser(parseVersion);
}

/** The number of a version, from 1. */
export function parseVersion(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

/** In any case, as `get_canonical_stage` reads it (`mlflow/entities/model_registry`). */
export function parseStage(text: string): ModelStage {
  const found = findStage(text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It must be one of ${MODEL_STAGES.join(', ')}.`);
}
