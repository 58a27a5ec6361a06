import { MODEL_STAGES } from '../../core/model-registry.ts';
import type { Context } from '../../host/context.ts';
import { resolveRegistryUri } from '../../registry/open.ts';
import {
  openStoredModelNames,
  type StoredModelNames,
  type StoredVersion,
} from '../../registry/stored-names.ts';
import { resolveTrackingUri } from '../../tracking/open.ts';
import { type Candidate, type Candidates, NOTHING } from './candidate.ts';
import { listRunIds, withinDeadline } from './store-values.ts';
import type { TypedLine } from './typed-line.ts';

export async function listModelNames(line: TypedLine, context: Context): Promise<Candidates> {
  const models = await withNames(context, (names) => names.listModels(line.current));
  return { found: models.map(({ name, description }) => ({ value: name, description })) };
}

/** Of the model that the line names, the newest first; `download` takes other words for one, too. */
export async function listVersionNumbers(line: TypedLine, context: Context): Promise<Candidates> {
  const versions = await listVersions(readModelName(line), context);
  if (line.command.name() !== 'download') return { found: versions.map(describeVersion) };
  const aliases = toAliases(versions).map((one) => ({ ...one, value: `@${one.value}` }));
  return { found: [...toSuffixes(versions), ...aliases] };
}

export async function listAliases(line: TypedLine, context: Context): Promise<Candidates> {
  return { found: toAliases(await listVersions(readModelName(line), context)) };
}

export async function listStages(): Promise<Candidates> {
  return { found: MODEL_STAGES.map((value) => ({ value })) };
}

/** What `models promote --to` takes. */
export async function listTargets(line: TypedLine, context: Context): Promise<Candidates> {
  const stages = ['Staging', 'Production'].map((value) => ({ value }));
  const { found } = await listAliases(line, context);
  return { found: [...stages, ...found.map((one) => ({ ...one, value: `@${one.value}` }))] };
}

/**
 * `models:/` step by step, names first, then versions, stages and aliases of the one that is typed; `runs:/`
 * with the ids of runs; nothing for other addresses.
 */
export async function listModelUris(line: TypedLine, context: Context): Promise<Candidates> {
  const { current } = line;
  const [, name, separator = ''] = /^models:\/([^/@]*)([/@])?/.exec(current) ?? [];
  if (name !== undefined && separator !== '') {
    const prefix = `models:/${name}${separator}`;
    const versions = await listVersions(name, context);
    return prependTo(prefix, separator === '@' ? toAliases(versions) : toSuffixes(versions));
  }
  if (name !== undefined) return listUrisOfModels(name, context);
  if (!current.startsWith('runs:/')) {
    return { found: [{ value: 'models:/' }, { value: 'runs:/' }] };
  }
  const { found } = await listRunIds({ ...line, current: current.slice('runs:/'.length) }, context);
  return prependTo(
    'runs:/',
    found.map((one) => ({ ...one, value: `${one.value}/` })),
  );
}

async function listUrisOfModels(prefix: string, context: Context): Promise<Candidates> {
  const models = await withNames(context, (names) => names.listModels(prefix));
  const found = models.map(({ name, description }) => ({ value: `${name}/`, description }));
  return prependTo('models:/', found);
}

/** Behind `models:/NAME/`: numbers, `latest`, and the stages that hold a version. */
function toSuffixes(versions: readonly StoredVersion[]): readonly Candidate[] {
  if (versions.length === 0) return [];
  const stages = [...new Set(versions.map(({ stage }) => stage))].filter((one) => one !== 'None');
  const words = ['latest', ...stages].map((value) => ({ value }));
  return [...versions.map(describeVersion), ...words];
}

function toAliases(versions: readonly StoredVersion[]): readonly Candidate[] {
  return versions.flatMap(({ version, aliases }) =>
    aliases.map((value) => ({ value, description: `version ${version}` })),
  );
}

function describeVersion({ version, stage, aliases }: StoredVersion): Candidate {
  const description = [stage, ...aliases.map((alias) => `@${alias}`)].join(' ');
  return { value: String(version), description };
}

/** `--name`, where the verb has it, else the first argument. */
function readModelName({ values, positionals }: TypedLine): string | undefined {
  return values.get('name')?.at(-1) ?? positionals[0];
}

async function listVersions(
  name: string | undefined,
  context: Context,
): Promise<readonly StoredVersion[]> {
  if (name === undefined || !isModelName(name)) return [];
  return withNames(context, (names) => names.listVersions(name));
}

/** What cannot be a name is not looked up: in a folder it might lead out. */
function isModelName(name: string): boolean {
  return name !== '' && !/[/:\0]|^\.\.?$/.test(name);
}

function prependTo(prefix: string, found: readonly Candidate[]): Candidates {
  if (found.length === 0) return NOTHING;
  return { found: found.map((one) => ({ ...one, value: prefix + one.value })) };
}

async function withNames<Item>(
  context: Context,
  work: (names: StoredModelNames) => Promise<readonly Item[]>,
): Promise<readonly Item[]> {
  const uri = resolveRegistryUri(context, await resolveTrackingUri(context));
  return withinDeadline(uri, readNames(uri, context, work));
}

async function readNames<Item>(
  uri: string,
  context: Context,
  work: (names: StoredModelNames) => Promise<readonly Item[]>,
): Promise<readonly Item[]> {
  const names = await openStoredModelNames(uri, context);
  try {
    return await work(names);
  } finally {
    await names.close();
  }
}
