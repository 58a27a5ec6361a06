import { suggestName } from '../core/suggestion.ts';
import { PARAMETER_TYPES, type ParameterType } from './project.ts';

const SPACE = '[\\s\\x85]*';
const DIGITS = '\\p{Nd}+(?:_\\p{Nd}+)*';
/** What Python's `int()` takes of a text, and `float()`. */
const INT = new RegExp(`^${SPACE}[-+]?${DIGITS}${SPACE}$`, 'u');
const FLOAT = new RegExp(
  `^${SPACE}[-+]?(?:(?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:e[-+]?${DIGITS})?|inf(?:inity)?|nan)${SPACE}$`,
  'iu',
);
const BOOLS = ['true', 'false', 't', 'f', 'yes', 'no', 'y', 'n', 'on', 'off', '1', '0'];
/** Python's `urlparse` finds a scheme (`mlflow/utils/data_utils.py`, `is_uri`). */
const URI = /^[\0- ]*[a-z][a-z0-9+.-]*:/i;

/** Undefined for names that mean nothing to MLflow; it treats those as text. */
export function readParameterType(name: string): ParameterType | undefined {
  if (name === 'str') return 'string';
  return PARAMETER_TYPES.find((type) => type === name);
}

/** True where `text` is a value of the type; the command is given the text itself, unchanged. */
export function fitsType(text: string, type: ParameterType): boolean {
  switch (type) {
    case 'int':
      return INT.test(text);
    case 'float':
      return FLOAT.test(text);
    case 'bool':
      return BOOLS.includes(text.toLowerCase());
    case 'uri':
      return isUri(text);
    case 'string':
    case 'path':
      return true;
  }
}

const NEAR_NAMES: Readonly<Record<string, ParameterType>> = {
  text: 'string',
  number: 'float',
  double: 'float',
  integer: 'int',
  boolean: 'bool',
  file: 'path',
  url: 'uri',
};

/** The type that somebody who wrote `name` probably meant. */
export function suggestType(name: string): string | undefined {
  return NEAR_NAMES[name.toLowerCase()] ?? suggestName(name, PARAMETER_TYPES);
}

export function isUri(text: string): boolean {
  return URI.test(text);
}

interface TypeWords {
  /** `must be ...`. */
  readonly article: string;
  /** `pass ...`. */
  readonly mend: string;
  readonly example: string;
}

const WORDS: Readonly<Record<ParameterType, TypeWords>> = {
  string: { article: 'a string', mend: 'a text', example: 'text' },
  int: { article: 'an int', mend: 'a whole number', example: '10' },
  float: { article: 'a float', mend: 'a number', example: '0.5' },
  bool: { article: 'a bool', mend: 'true or false', example: 'true' },
  path: { article: 'a path', mend: 'a file, a folder or a URI', example: 'data/train.csv' },
  uri: { article: 'a uri', mend: 'a URI', example: 's3://bucket/key' },
};

export function describeType(type: ParameterType): TypeWords {
  return WORDS[type];
}
