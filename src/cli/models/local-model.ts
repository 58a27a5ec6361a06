import { resolve } from 'node:path';
import { Option } from 'commander';
import type { FetchedModel } from '../../artifacts/fetch-model.ts';
import { redactUrls } from '../../core/redact.ts';
import type { Context } from '../../host/context.ts';
import type { LocalModel } from '../../models/local-model.ts';
import { withArtifactResolver } from '../artifact-resolver.ts';

/** `-m, --model-uri`, as all of MLflow's verbs for models have it. */
export function createModelUriOption(): Option {
  return new Option(
    '-m, --model-uri <uri>',
    'models:/NAME/VERSION, models:/NAME/STAGE, models:/NAME@ALIAS, runs:/RUN/NAME, an artifact URI, a folder',
  ).makeOptionMandatory();
}

/**
 * The model of any URI, on this machine: where it lies, or from the cache of models. No store is opened
 * for a folder.
 *
 * @throws NotFound where there is none, InvalidInput where it is no model.
 */
export async function fetchLocalModel(uri: string, context: Context): Promise<LocalModel> {
  const { readMlmodel } = await import('../../models/mlmodel.ts');
  const found = await locateModel(uri, context);
  const folder = resolve(context.cwd, found.folder);
  const { registered } = found;
  return { uri: redactUrls(uri), folder, file: await readMlmodel(folder), registered };
}

/** What downloads is loaded only where there is something to download. */
async function locateModel(uri: string, context: Context): Promise<FetchedModel> {
  const { isLocal } = await import('../../artifacts/artifact-uri.ts');
  if (isLocal(uri)) {
    const { findLocal } = await import('../../artifacts/find-local.ts');
    return { folder: await findLocal(uri, context), registered: undefined };
  }
  const { fetchModel } = await import('../../artifacts/fetch-model.ts');
  return withArtifactResolver(context, (resolver) => fetchModel(uri, context, resolver));
}
