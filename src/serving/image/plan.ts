import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Env } from '../../core/environment-variables.ts';
import { InvalidInput, UsageError } from '../../core/errors.ts';
import { MLFLOW_VERSION } from '../../core/mlflow-version.ts';
import { DEFAULT_PYTHON } from '../../environments/docker-recipe.ts';
import { readSpecification, type Specification } from '../../environments/specification.ts';
import { type BuildEntry, listFolderEntries } from '../../host/docker/build-entries.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { isFolder } from '../../host/folders.ts';
import { renderRequirements } from '../../images/dockerfile.ts';
import { LIST_PACKAGES, renderInstallScript } from '../../images/install-packages.ts';
import { CONDA_IMAGE, type ModelImageRecipe } from '../../images/model-dockerfile.ts';
import { findServerFiles } from '../../images/server-files.ts';
import { findModelEnvironment, requirePythonFunction } from '../../models/environment-source.ts';
import type { LocalModel } from '../../models/local-model.ts';
import type { Written } from '../../models/mlmodel.ts';
import { type ImageRequirements, readImageRequirements } from './requirements.ts';

export interface ModelImageOptions {
  readonly manager: 'local' | 'virtualenv' | 'uv' | 'conda';
  readonly installsMlflow: boolean;
  /** MLflow's sources; undefined: the MLflow that the model asks for. */
  readonly mlflowHome: string | undefined;
  readonly installsJava: boolean | undefined;
  readonly baseImage: string | undefined;
  readonly usesGpu: boolean;
  /** All that MLflow brings along, even where its core is enough. */
  readonly keepsWholeMlflow: boolean;
  readonly wheelhouse: string | undefined;
  readonly platform: string | undefined;
  readonly buildKit: ModelImageRecipe['buildKit'];
  readonly buildArguments: readonly string[];
}

export interface ModelImagePlan {
  readonly recipe: ModelImageRecipe;
  readonly entries: readonly BuildEntry[];
  readonly warnings: readonly string[];
}

const CUDA_IMAGE = 'nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04';
/** Beside the Python that no image of CUDA has. */
const PYTHON_PACKAGES = ['python3', 'python3-pip', 'python3-venv'];
/** As MLflow knows them (`JAVA_FLAVORS`, `FLAVOR_SPECIFIC_APT_PACKAGES`). */
const JAVA_FLAVORS = ['johnsnowlabs', 'h2o', 'spark'];
const OPENMP_FLAVORS = ['lightgbm', 'paddle'];

/**
 * What the image of a model is made from; of any model, where none is given (`PyFuncBackend.generate_dockerfile`).
 *
 * @throws InvalidInput where the model has no `python_function`, or does not say what it needs.
 */
export async function planModelImage(
  model: LocalModel | undefined,
  options: ModelImageOptions,
  env: Env,
): Promise<ModelImagePlan> {
  const server = await findServerFiles(options.platform, env);
  const made = model === undefined ? planAnyModel(options) : await planModel(model, options, env);
  return {
    recipe: {
      ...made.recipe,
      nodePath: server.nodePath,
      usesGpu: options.usesGpu,
      buildKit: options.buildKit,
      buildArguments: options.buildArguments,
    },
    entries: [...made.entries, ...server.entries, ...(await listModelFiles(model))],
    warnings: made.warnings,
  };
}

type Made = Omit<ModelImagePlan, 'recipe'> & {
  readonly recipe: Omit<ModelImageRecipe, 'nodePath' | 'usesGpu' | 'buildKit' | 'buildArguments'>;
};

function planAnyModel(options: ModelImageOptions): Made {
  if (options.manager === 'local') {
    throw new InvalidInput(
      '--env-manager local needs a model: nothing says what is to be installed',
      {
        hint: 'name a model with -m, or use --env-manager virtualenv or conda',
      },
    );
  }
  if (options.wheelhouse !== undefined) {
    throw new UsageError('--wheelhouse needs a model: without one, packages are installed later');
  }
  const isConda = options.manager === 'conda';
  return {
    warnings: [],
    entries: [],
    recipe: {
      baseImage:
        options.baseImage ?? (isConda ? CONDA_IMAGE : choosePythonImage(undefined, options)),
      python: undefined,
      loader: 'mlflow.pyfunc.model',
      packages: 'at-start',
      environmentManager: isConda ? 'conda' : 'virtualenv',
      installsMlflow: options.installsMlflow,
      systemPackages: listSystemPackages([], options),
      hasModel: false,
      labels: { 'org.opencontainers.image.title': 'mlts model server' },
    },
  };
}

async function planModel(model: LocalModel, options: ModelImageOptions, env: Env): Promise<Made> {
  const flavor = requirePythonFunction(model.file, model.folder);
  const isConda = options.manager === 'conda';
  const source = await findModelEnvironment(model, isConda);
  const specification = await readSpecification(source);
  const flavors = [...model.file.flavors.keys()];
  const requirements = await readImageRequirements(
    model,
    specification.dependencies,
    options.keepsWholeMlflow || options.mlflowHome !== undefined,
  );
  return {
    warnings: specification.warnings,
    entries: isConda
      ? [
          { path: 'requirements/conda.yaml', content: { file: source.file ?? '' } },
          toFile('requirements/list-packages.py', LIST_PACKAGES),
        ]
      : await listRequirementFiles(specification, requirements, options, env),
    recipe: {
      baseImage:
        options.baseImage ??
        (isConda ? 'debian:12-slim' : choosePythonImage(specification.python, options)),
      python: specification.python,
      loader: readLoader(flavor),
      packages: isConda ? 'conda' : 'requirements',
      environmentManager: 'virtualenv',
      installsMlflow: false,
      systemPackages: listSystemPackages(flavors, options),
      hasModel: true,
      labels: describeModel(model),
    },
  };
}

/** A module of MLflow; one that the model brings along is not in the first stage. */
function readLoader({ loader_module: loader }: Written): string {
  return typeof loader === 'string' && /^mlflow(\.\w+)+$/.test(loader)
    ? loader
    : 'mlflow.pyfunc.model';
}

function choosePythonImage(python: string | undefined, { usesGpu }: ModelImageOptions): string {
  return usesGpu ? CUDA_IMAGE : `python:${python ?? DEFAULT_PYTHON}-slim`;
}

function listSystemPackages(flavors: readonly string[], options: ModelImageOptions): string[] {
  const has = (known: readonly string[]): boolean =>
    flavors.some((flavor) => known.includes(flavor));
  return [
    ...(options.usesGpu && options.baseImage === undefined ? PYTHON_PACKAGES : []),
    ...((options.installsJava ?? has(JAVA_FLAVORS)) ? ['default-jre-headless'] : []),
    ...(has(OPENMP_FLAVORS) ? ['libgomp1'] : []),
  ];
}

/** pip and wheel install other packages: nothing is installed in a finished image. */
const INSTALLERS = /^(pip|wheel)\b/i;

async function listRequirementFiles(
  { buildDependencies }: Specification,
  { dependencies, constraints, overrides, isPlain, files }: ImageRequirements,
  { installsMlflow, mlflowHome, wheelhouse }: ModelImageOptions,
  env: Env,
): Promise<readonly BuildEntry[]> {
  const hasMlflow = dependencies.some((line) => /^mlflow\b/.test(line));
  const added = installsMlflow && !hasMlflow ? [`mlflow==${MLFLOW_VERSION}`] : [];
  const certificate = env.PIP_CERT ? await readTextIfPresent(env.PIP_CERT) : undefined;
  const build = isPlain ? [] : buildDependencies.filter((line) => !INSTALLERS.test(line));
  return [
    toFile('requirements/install.sh', renderInstallScript()),
    toFile('requirements/list-packages.py', LIST_PACKAGES),
    toFile('requirements/build.txt', renderRequirements(build)),
    toFile('requirements/requirements.txt', renderRequirements([...dependencies, ...added])),
    toFile('requirements/constraints.txt', renderRequirements(constraints)),
    toFile('requirements/overrides.txt', renderRequirements(overrides)),
    ...(certificate === undefined ? [] : [toFile('requirements/certificates.pem', certificate)]),
    ...files,
    ...(wheelhouse === undefined ? [] : await listWheels(wheelhouse)),
    ...(mlflowHome === undefined ? [] : await listFolderEntries(mlflowHome, 'requirements/mlflow')),
  ];
}

/** @throws InvalidInput where the folder is missing or has no wheel. */
async function listWheels(folder: string): Promise<readonly BuildEntry[]> {
  const entries = (await isFolder(folder))
    ? await listFolderEntries(folder, 'requirements/wheelhouse')
    : [];
  const wheels = entries.filter(({ path }) => /\.(whl|tar\.gz|zip)$/.test(path));
  if (wheels.length > 0) return wheels;
  throw new InvalidInput(`${folder} holds no wheels`, {
    hint: 'fill it: pip download -d DIR -r requirements.txt uv',
  });
}

async function listModelFiles(model: LocalModel | undefined): Promise<readonly BuildEntry[]> {
  return model === undefined ? [] : listFolderEntries(model.folder, 'model');
}

function describeModel({ file, registered, folder }: LocalModel): Readonly<Record<string, string>> {
  const { modelId, runId, mlflowVersion, signature } = file;
  const labels = {
    'org.opencontainers.image.title': registered?.name ?? basename(folder),
    'org.opencontainers.image.version': registered?.version,
    'mlflow.model.name': registered?.name,
    'mlflow.model.version': registered?.version,
    'mlflow.model.id': modelId,
    'mlflow.run.id': runId,
    'mlflow.version': mlflowVersion,
    'mlflow.model.signature':
      signature === undefined ? undefined : `sha256:${digest(JSON.stringify(signature))}`,
  };
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function toFile(path: string, text: string): BuildEntry {
  return { path, content: { text } };
}
