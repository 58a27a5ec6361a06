import type { Env } from '../../core/environment-variables.ts';
import { UsageError } from '../../core/errors.ts';
import { DEFAULT_PYTHON } from '../../environments/docker-recipe.ts';
import { readSpecification } from '../../environments/specification.ts';
import { type BuildEntry, listFolderEntries } from '../../host/docker/build-entries.ts';
import { listInstallFiles } from '../../images/install-files.ts';
import { CONDA_IMAGE, type ModelImageRecipe } from '../../images/model-dockerfile.ts';
import { packServer } from '../../images/server-archive.ts';
import { findModelEnvironment, requirePythonFunction } from '../../models/environment-source.ts';
import type { LocalModel } from '../../models/local-model.ts';
import type { Written } from '../../models/mlmodel.ts';
import { labelModel } from './labels.ts';
import { listRequirementFiles } from './requirement-files.ts';

export interface ModelImageOptions {
  /** Undefined: `local` for a model, as in MLflow, and `virtualenv` where there is none. */
  readonly manager: 'local' | 'virtualenv' | 'uv' | 'conda' | undefined;
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
  const server = await packServer(options.platform, env);
  const made = model === undefined ? planAnyModel(options) : await planModel(model, options, env);
  return {
    recipe: {
      ...made.recipe,
      nodePath: server.nodePath,
      usesGpu: options.usesGpu,
      buildKit: options.buildKit,
      buildArguments: options.buildArguments,
    },
    entries: [...made.entries, server.entry, ...(await listModelFiles(model))],
    warnings: made.warnings,
  };
}

type Made = Omit<ModelImagePlan, 'recipe'> & {
  readonly recipe: Omit<ModelImageRecipe, 'nodePath' | 'usesGpu' | 'buildKit' | 'buildArguments'>;
};

function planAnyModel(options: ModelImageOptions): Made {
  refuseWithoutModel(options);
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

/** @throws UsageError for what is done when an image is built, and so needs a model. */
function refuseWithoutModel({ manager, wheelhouse, mlflowHome }: ModelImageOptions): void {
  const given = [
    ...(manager === 'local' ? ['--env-manager local'] : []),
    ...(wheelhouse === undefined ? [] : ['--wheelhouse']),
    ...(mlflowHome === undefined ? [] : ['--mlflow-home (MLFLOW_HOME)']),
  ];
  if (given[0] !== undefined) throw explainMissingModel(given[0]);
}

export function explainMissingModel(option: string): UsageError {
  return new UsageError(
    `${option} needs a model: without one, packages are installed when the container starts`,
    { hint: 'name a model: -m URI' },
  );
}

async function planModel(model: LocalModel, options: ModelImageOptions, env: Env): Promise<Made> {
  const flavor = requirePythonFunction(model.file, model.folder);
  const isConda = options.manager === 'conda';
  const source = await findModelEnvironment(model, isConda);
  const specification = await readSpecification(source);
  const flavors = [...model.file.flavors.keys()];
  return {
    warnings: specification.warnings,
    entries: [
      ...listInstallFiles(),
      ...(isConda
        ? [{ path: 'requirements/conda.yaml', content: { file: source.file ?? '' } }]
        : await listRequirementFiles(model, specification, options, env)),
    ],
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
      labels: labelModel(model),
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

async function listModelFiles(model: LocalModel | undefined): Promise<readonly BuildEntry[]> {
  return model === undefined ? [] : listFolderEntries(model.folder, 'model');
}
