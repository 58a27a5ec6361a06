import { InvalidInput, NotFound } from '../core/errors.ts';

/** What the first part of a `models:` URI names. */
export type ModelReference =
  | { readonly by: 'id'; readonly modelId: string }
  | { readonly by: 'version'; readonly name: string; readonly version: number }
  | { readonly by: 'stage'; readonly name: string; readonly stage: string }
  | { readonly by: 'latest'; readonly name: string }
  | { readonly by: 'alias'; readonly name: string; readonly alias: string };

export interface ModelUri {
  readonly model: ModelReference;
  /** Below the model's folder; '' for all of it. */
  readonly path: string;
}

/**
 * Reads `models:/name/3`, `.../Production`, `.../latest`, `models:/name@alias` and `models:/m-id`, each
 * with or without a path behind it (`mlflow/store/artifact/utils/models.py`).
 *
 * @throws InvalidInput for anything else.
 */
export function parseModelUri(uri: string): ModelUri {
  const parts = /^models:\/([^/].*?)\/*$/.exec(uri)?.[1]?.split('/') ?? [];
  const [first = '', second, ...rest] = parts;
  if (parts.some((part) => part.trim() === '')) throw improperUri(uri);
  const alias = /^(.+)@([^@]+)$/.exec(first);
  if (alias?.[1] !== undefined && alias[2] !== undefined) {
    return {
      model: { by: 'alias', name: alias[1], alias: alias[2] },
      path: parts.slice(1).join('/'),
    };
  }
  if (first === '' || first.includes('@')) throw improperUri(uri);
  if (second === undefined) return { model: { by: 'id', modelId: first }, path: '' };
  return { model: referTo(first, second), path: rest.join('/') };
}

function referTo(name: string, suffix: string): ModelReference {
  if (/^\d+$/.test(suffix)) return { by: 'version', name, version: readNumber(name, suffix) };
  if (suffix.toLowerCase() === 'latest') return { by: 'latest', name };
  return { by: 'stage', name, stage: suffix };
}

/** @throws NotFound for more than stores can count. */
function readNumber(name: string, digits: string): number {
  const version = Number(digits);
  if (version < 2 ** 31) return version;
  throw new NotFound(`model \`${name}\` has no version ${digits}`);
}

function improperUri(uri: string): InvalidInput {
  return new InvalidInput(`\`${uri}\` does not name a model`, {
    hint: 'write models:/NAME/VERSION, models:/NAME/STAGE, models:/NAME/latest, models:/NAME@ALIAS or models:/m-ID',
  });
}
