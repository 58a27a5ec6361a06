import { resolve } from 'node:path';
import { Option } from 'commander';
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
  const [{ isLocal }, { fetchModel }, { findLocal }, { readMlmodel }] = await Promise.all([
    import('../../artifacts/artifact-uri.ts'),
    import('../../artifacts/fetch-model.ts'),
    import('../../artifacts/download.ts'),
    import('../../models/mlmodel.ts'),
  ]);
  const found = isLocal(uri)
    ? { folder: await findLocal(uri, context), registered: undefined }
    : await withArtifactResolver(context, (resolver) => fetchModel(uri, context, resolver));
  const folder = resolve(context.cwd, found.folder);
  const { registered } = found;
  return { uri: redactUrls(uri), folder, file: await readMlmodel(folder), registered };
}
