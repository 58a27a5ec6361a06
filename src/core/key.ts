import { posix } from 'node:path';
import { InvalidInput } from './errors.ts';

const LONGEST_KEY = 250;

/** What nearly all keys are: nothing in it that a path could stumble over. */
const PLAIN = /^[\w -]{1,250}$/;

/**
 * Keys name files in some stores, so they may not leave their folder, in any store
 * (`mlflow/utils/validation.py`). @throws InvalidInput
 */
export function checkKey(kind: 'param' | 'tag' | 'metric', key: string): string {
  if (PLAIN.test(key)) return key;
  if (!/^[/\p{L}\p{N}_.\- :]*$/u.test(key)) {
    throw new InvalidInput(`the ${kind} name \`${key}\` holds characters that MLflow refuses`, {
      hint: 'use letters, digits, `_`, `-`, `.`, `:`, `/` and spaces',
    });
  }
  const normal = posix.normalize(key);
  if (normal !== key || /^(\.$|\.\.|\/)|\/$/.test(normal)) {
    throw new InvalidInput(`the ${kind} name \`${key}\` is no plain path`, {
      hint: 'leave out `..`, `.`, double and outer slashes',
    });
  }
  if (lengthOf(key) > LONGEST_KEY) {
    throw new InvalidInput(`the ${kind} name \`${key}\` is longer than ${LONGEST_KEY} characters`);
  }
  return key;
}

/** Characters as Python counts them, not UTF-16 units. */
export function lengthOf(text: string): number {
  return [...text].length;
}
