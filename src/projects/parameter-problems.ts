import { basename } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { isSecretName, redactUrls } from '../core/redact.ts';
import { quoteForShell } from '../core/shell-word.ts';
import { placeIn } from './file-report.ts';
import { type Invocation, renderInvocation } from './invocation.ts';
import { describeType } from './parameter-type.ts';
import type { EntryPoint, Parameter } from './project.ts';

/** For what no program can be given as an argument. */
export function unusableValue(name: string): InvalidInput {
  return new InvalidInput(
    `parameter \`${showText(name)}\` holds a NUL character or half a Unicode character, which no command can be given`,
  );
}

export function missingParameters(
  entryPoint: EntryPoint,
  missing: readonly Parameter[],
  invocation: Invocation,
): InvalidInput {
  const names = missing.map(({ name }) => `\`${name}\``).join(', ');
  const place = placeOf(entryPoint, missing[0]?.line);
  const words = missing.map(
    ({ name, type }) => `-P ${quoteForShell(name)}=${describeType(type).example}`,
  );
  return new InvalidInput(`\`${entryPoint.name}\` needs values for ${names}${place}`, {
    hint: `pass them: \`${renderInvocation(invocation, entryPoint.name, words)}\``,
  });
}

export function unfitValue(
  entryPoint: EntryPoint,
  parameter: Parameter,
  value: string,
  invocation: Invocation,
): InvalidInput {
  const { article, mend, example } = describeType(parameter.type);
  const owner = `parameter \`${parameter.name}\` of \`${entryPoint.name}\``;
  const got = `got \`${showValue(parameter.name, value)}\``;
  const place = placeOf(entryPoint, parameter.line);
  const word = `-P ${quoteForShell(parameter.name)}=${example}`;
  return new InvalidInput(`${owner} must be ${article}, ${got}${place}`, {
    hint: `pass ${mend}: \`${renderInvocation(invocation, entryPoint.name, [word])}\``,
  });
}

export function missingPath(
  entryPoint: EntryPoint,
  parameter: Parameter,
  value: string,
): InvalidInput {
  const owner = `parameter \`${parameter.name}\` of \`${entryPoint.name}\``;
  const place = placeOf(entryPoint, parameter.line);
  return new InvalidInput(
    `${owner} must be a path that exists, got \`${showValue(parameter.name, value)}\`${place}`,
    { hint: 'pass a file or folder, relative to where you are, or a URI to download' },
  );
}

function placeOf({ file }: EntryPoint, line: number | undefined): string {
  return placeIn(file === undefined ? undefined : basename(file), line);
}

const LONGEST_SHOWN = 200;

/** A value for a message: on one line, no longer than a person reads, no secret in it. */
function showValue(name: string, value: string): string {
  if (isSecretName(name)) return '****';
  const shown = showText(redactUrls(value));
  return shown.length > LONGEST_SHOWN ? `${shown.slice(0, LONGEST_SHOWN)}...` : shown;
}

function showText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, (character) => JSON.stringify(character).slice(1, -1));
}
