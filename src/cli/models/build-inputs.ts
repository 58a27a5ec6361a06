import { resolve } from 'node:path';
import { pickVariables } from '../../core/environment-variables.ts';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { readBinaryFile } from '../../host/text-file.ts';
import { PIP_SETTINGS } from '../../images/dockerfile.ts';

export interface BuildInputFlags {
  readonly buildArg?: readonly string[];
  readonly secret?: readonly string[];
  readonly pipIndexUrl?: string;
}

/** What is seen while packages are installed, and is in no layer. */
export interface BuildInputs {
  readonly buildArguments: Readonly<Record<string, string>>;
  /** By id. */
  readonly secrets: ReadonlyMap<string, Buffer>;
}

/** Settings of pip in our own environment go along, as in images of projects. @throws UsageError */
export async function readBuildInputs(
  { buildArg = [], secret = [], pipIndexUrl }: BuildInputFlags,
  context: Context,
): Promise<BuildInputs> {
  const { env } = context;
  const given = Object.fromEntries(buildArg.map((text) => readBuildArgument(text, context)));
  const index = pipIndexUrl === undefined ? {} : { PIP_INDEX_URL: pipIndexUrl };
  const secrets = new Map<string, Buffer>();
  for (const text of secret) secrets.set(...(await readSecret(text, context)));
  return { buildArguments: { ...pickVariables(env, PIP_SETTINGS), ...given, ...index }, secrets };
}

/** `NAME=value`, or `NAME` for that of our environment, as `docker build --build-arg` reads it. */
function readBuildArgument(text: string, { env }: Context): [name: string, value: string] {
  const [, name, value = env[name ?? '']] = /^([A-Za-z_]\w*)(?:=(.*))?$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new UsageError(`--build-arg takes NAME=value, got \`${text}\``, {
    hint: 'a NAME alone stands for the variable of that name, which must be set',
  });
}

const LARGEST_SECRET_BYTES = 500_000;

/** As `docker build --secret` reads it. */
async function readSecret(
  text: string,
  { cwd, env }: Context,
): Promise<[id: string, content: Buffer]> {
  const pairs = text.split(',').map((part) => part.split(/=(.*)/s, 2) as [string, string]);
  const { id = '', env: variable, source, src = source } = Object.fromEntries(pairs);
  if (!/^[\w.-]+$/.test(id) || (variable === undefined && src === undefined)) {
    throw new UsageError(`--secret takes id=ID,src=FILE or id=ID,env=NAME, got \`${text}\``);
  }
  if (src !== undefined) return [id, await readBinaryFile(resolve(cwd, src), LARGEST_SECRET_BYTES)];
  const value = env[variable ?? ''];
  if (value === undefined) throw new UsageError(`--secret: ${variable} is not set`);
  return [id, Buffer.from(value)];
}
