import { Option } from 'commander';
import { variables } from '../../core/environment-variables.ts';
import { NotFound, UsageError } from '../../core/errors.ts';
import { redactUrls } from '../../core/redact.ts';
import type { Context } from '../../host/context.ts';

export interface ExperimentFlags {
  readonly experimentName?: string;
  readonly backendStoreUri?: string;
}

/** Instead of an id; names are looked up where the server keeps its experiments. */
export function createExperimentOptions(): readonly Option[] {
  return [
    new Option('--experiment-name <name>', 'in place of the resource: this experiment'),
    new Option(
      '--backend-store-uri <uri>',
      'where the experiments are; default: as `mlts server` in this folder',
    ).env(variables.backendStoreUri),
  ];
}

/** @throws NotFound */
export async function findExperimentId(
  name: string,
  { backendStoreUri }: ExperimentFlags,
  context: Context,
): Promise<string> {
  const { openTrackingStore, resolveTrackingUri } = await import('../../tracking/open.ts');
  const uri = backendStoreUri ?? (await resolveTrackingUri(context));
  const store = await openTrackingStore(uri, context);
  try {
    const found = await store.getExperimentByName(name);
    if (found !== undefined) return found.id;
    throw new NotFound(`there is no experiment named \`${name}\` in ${redactUrls(store.uri)}`, {
      hint: 'see `mlts experiments search`; --backend-store-uri names where they are',
    });
  } finally {
    await store.close();
  }
}

/** The words after the user: a resource first, unless an experiment is named by an option. */
export function splitWords(
  words: readonly string[],
  wanted: readonly string[],
  { experimentName }: ExperimentFlags,
): readonly (string | undefined)[] {
  const names = experimentName === undefined ? ['resource', ...wanted] : wanted;
  if (words.length < names.length) {
    throw new UsageError(`missing argument \`${names[words.length]}\``);
  }
  if (words.length > names.length) {
    const hint = experimentName === undefined ? undefined : 'leave the resource out';
    throw new UsageError(`\`${words[names.length]}\` is one argument too many`, { hint });
  }
  return experimentName === undefined ? words : [undefined, ...words];
}
