import { join } from 'node:path';
import { MLFLOW_VERSION } from '../../core/mlflow-version.ts';
import { flattenRequirements, type Requirement } from '../../environments/requirement-lines.ts';
import type { BuildEntry } from '../../host/docker/build-entries.ts';
import { kindOf } from '../../host/files.ts';
import type { LocalModel } from '../../models/local-model.ts';
import type { ModelImageOptions } from './plan.ts';

/** Which flavors need nothing of what MLflow brings along beside its core, as their loaders show (MLflow 3). */
const PLAIN_LOADERS: ReadonlySet<string> = new Set([
  'mlflow.sklearn',
  'mlflow.xgboost',
  'mlflow.lightgbm',
  'mlflow.catboost',
  'mlflow.onnx',
  'mlflow.pytorch',
  'mlflow.statsmodels',
]);

/** The client of Databricks, with all that it needs, of which a server of local models imports nothing. */
const LEFT_OUT = ["databricks-sdk; sys_platform == 'none'"];

export interface ImageRequirements {
  readonly dependencies: readonly string[];
  readonly constraints: readonly string[];
  /** Requirements of requirements that are left out, as uv reads them (`--overrides`). */
  readonly overrides: readonly string[];
  /** What builds packages is not needed: uv brings its own. */
  readonly isPlain: boolean;
  /** Wheels that the model carries along, where the lines look for them. */
  readonly files: readonly BuildEntry[];
}

/** The lines of a model's requirements, fit for an image: other files are read in place, wheels go along. */
export async function readImageRequirements(
  model: LocalModel,
  lines: readonly string[],
  options: ModelImageOptions,
): Promise<ImageRequirements> {
  const flat = addMlflow(await flattenRequirements(lines, model.folder), options);
  const [dependencies, constraints] = [false, true].map((wanted) =>
    flat.filter(({ isConstraint }) => isConstraint === wanted).map(({ text }) => text),
  ) as [string[], string[]];
  const asksForDatabricks = flat.some(({ text }) => /databricks/i.test(text));
  const wantsAll = options.keepsWholeMlflow || options.mlflowHome !== undefined;
  const isPlain = !wantsAll && !asksForDatabricks && isServedByCore(model);
  return {
    dependencies: isPlain ? dependencies.flatMap(takeCoreOfMlflow) : dependencies,
    constraints,
    isPlain,
    overrides: isPlain ? LEFT_OUT : [],
    files: await findCarriedFiles(model, flat),
  };
}

/** In MLflow's images it is there without being asked for, but in an environment of the model's own. */
function addMlflow(
  flat: readonly Requirement[],
  { manager, installsMlflow }: ModelImageOptions,
): readonly Requirement[] {
  const isThere = flat.some(({ text }) => /^mlflow\b/i.test(text));
  const isUsual = manager === undefined || manager === 'local';
  if (isThere || !(installsMlflow || isUsual)) return flat;
  return [...flat, { text: `mlflow==${MLFLOW_VERSION}`, isConstraint: false }];
}

/**
 * Whether MLflow's core (`mlflow-skinny`) serves the model as all of MLflow does: since MLflow 3 the scoring
 * server is in it. A model that runs code of its own may use whatever MLflow brings along.
 */
function isServedByCore({ file }: LocalModel): boolean {
  const flavor = file.flavors.get('python_function');
  const isRecent = Number.parseInt(file.mlflowVersion ?? '', 10) >= 3;
  const hasCode = flavor?.code !== undefined && flavor.code !== null;
  return isRecent && !hasCode && PLAIN_LOADERS.has(String(flavor?.loader_module));
}

/** `mlflow==3.17.2` to its core, and what every `pyfunc` model needs beside it. */
function takeCoreOfMlflow(line: string): readonly string[] {
  const version = /^mlflow(?:-skinny)?\s*((?:[=<>!~].*)?)$/.exec(line)?.[1];
  return version === undefined ? [line] : [`mlflow-skinny${version}`, 'pandas', 'numpy'];
}

async function findCarriedFiles(
  { folder }: LocalModel,
  requirements: readonly Requirement[],
): Promise<readonly BuildEntry[]> {
  const entries: BuildEntry[] = [];
  for (const { text } of requirements) {
    const path = text.replace(/^\.\//, '');
    if (!/^[\w./+-]+\.(whl|tar\.gz|zip)$/.test(path) || path.split('/').includes('..')) continue;
    const file = join(folder, path);
    if ((await kindOf(file)) !== 'file') continue;
    entries.push({ path: `requirements/${path}`, content: { file } });
  }
  return entries;
}
