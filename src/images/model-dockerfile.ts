import { from, PIP_SETTINGS } from './dockerfile.ts';
import { VENV } from './install-packages.ts';

/** Where the model is in its image, as in MLflow's (`mlflow/models/container/__init__.py`). */
export const MODEL_DIRECTORY = '/opt/ml/model';
export const MODEL_PORT = 8080;
const PROGRAM = '/opt/mlts/bin/mlts.cjs';
const HINT = 'check --base-image, or `python` in python_env.yaml of the model: `"3.11"`';
/** In the group of root, as platforms that choose the user by themselves want it. */
const USER = '10001:0';

/** Labels by which builds are found again. */
export const IMAGE_LABELS = { stage: 'mlts.stage', image: 'mlts.model-image' } as const;

export interface ModelImageRecipe {
  readonly baseImage: string;
  /** `3.11.7`; another Python than that of the base image is brought along. Undefined: that of the base image. */
  readonly python: string | undefined;
  /** The module that loads the model: `mlflow.sklearn`. */
  readonly loader: string;
  /** What is installed at build time, or when the container starts (a generic image). */
  readonly packages: 'requirements' | 'conda' | 'at-start';
  /** With which a generic image makes the environment of the model it is given. */
  readonly environmentManager: 'virtualenv' | 'conda';
  /** Packages of Debian or Ubuntu. */
  readonly systemPackages: readonly string[];
  readonly hasModel: boolean;
  /** Path below /opt/mlts of the Node that runs the server. */
  readonly nodePath: string;
  readonly usesGpu: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined for a Dockerfile that any builder must understand. */
  readonly buildKit: { readonly secrets: readonly string[] } | undefined;
  /** Names of what the user passes with --build-arg. */
  readonly buildArguments: readonly string[];
}

/** The name of the stage with the packages, which has an image of its own where layers are kept by name only. */
export const PACKAGES_STAGE = 'packages';

/**
 * The Dockerfile of a model image, its layers in the order in which they change: base, system packages,
 * requirements, server, model. What is installed with a password or leaves tools behind is done in a stage whose
 * history is in no image.
 */
export function renderModelDockerfile(recipe: ModelImageRecipe): string {
  const blocks = [renderPackages(recipe), renderServer(recipe)];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

/** The stage with the packages; nothing where they are installed at the start. */
export function renderPackages(recipe: ModelImageRecipe): string[] {
  if (recipe.packages === 'at-start') return [];
  const mounts = renderMounts(recipe);
  const run =
    recipe.packages === 'conda'
      ? `RUN ${mounts}conda env create --yes -p ${VENV} -f /tmp/mlts/conda.yaml && conda clean --all --yes && mkdir -p /opt/python`
      : `RUN ${mounts}MLTS_PYTHON=${recipe.python ?? ''} MLTS_LOADER=${recipe.loader} sh /tmp/mlts/install.sh`;
  return [
    `# The packages of the model.`,
    `${from(recipe.packages === 'conda' ? CONDA_IMAGE : recipe.baseImage, HINT)} AS ${PACKAGES_STAGE}`,
    ...(recipe.packages === 'conda' ? [] : renderSystemPackages(recipe)),
    'COPY requirements/ /tmp/mlts/',
    ...[...PIP_SETTINGS, ...recipe.buildArguments].map((name) => `ARG ${name}`),
    run,
  ];
}

/** The image in which conda makes environments; what it makes runs in any image. */
export const CONDA_IMAGE = 'condaforge/miniforge3:latest';

function renderMounts({ buildKit, packages }: ModelImageRecipe): string {
  if (buildKit === undefined) return '';
  const cache = packages === 'conda' ? '/opt/conda/pkgs' : '/root/.cache/uv';
  const secrets = buildKit.secrets.map((id) => {
    const target = id === 'netrc' ? ',target=/root/.netrc' : '';
    return `--mount=type=secret,id=${id}${target} `;
  });
  return `--mount=type=cache,target=${cache} ${secrets.join('')}`;
}

function renderSystemPackages({ systemPackages }: ModelImageRecipe): string[] {
  if (systemPackages.length === 0) return [];
  const install = `apt-get install -y --no-install-recommends ${systemPackages.join(' ')}`;
  const settings = 'DEBIAN_FRONTEND=noninteractive';
  return [`RUN apt-get update && ${settings} ${install} && rm -rf /var/lib/apt/lists/*`];
}

function renderServer(recipe: ModelImageRecipe): string[] {
  const hasPackages = recipe.packages !== 'at-start';
  return [
    '# The server, and the model last: it changes most.',
    from(recipe.baseImage, HINT),
    ...renderSystemPackages(recipe),
    ...(hasPackages
      ? [
          `COPY --from=${PACKAGES_STAGE} /opt/python /opt/python`,
          `COPY --from=${PACKAGES_STAGE} ${VENV} ${VENV}`,
        ]
      : renderEnvironmentTools(recipe)),
    'COPY server/ /opt/mlts/',
    ...renderEnvironment(recipe),
    `EXPOSE ${MODEL_PORT}`,
    `USER ${USER}`,
    'WORKDIR /tmp',
    'STOPSIGNAL SIGTERM',
    renderHealthCheck(recipe),
    `ENTRYPOINT ["${PROGRAM}", "models", "serve-container"]`,
    // Nothing but these is made again when the model has changed.
    ...(recipe.hasModel ? [`COPY model/ ${MODEL_DIRECTORY}/`] : []),
    ...renderLabels(recipe.labels),
  ];
}

/** A generic image installs packages when it starts, for whoever runs it: into a folder that is his. */
function renderEnvironmentTools({ environmentManager }: ModelImageRecipe): string[] {
  if (environmentManager === 'conda') return [];
  return ['RUN python3 -m pip install --no-cache-dir --target /opt/uv uv'];
}

function renderEnvironment(recipe: ModelImageRecipe): string[] {
  const manager = recipe.packages === 'at-start' ? recipe.environmentManager : 'local';
  const folders = recipe.packages === 'at-start' ? '/opt/uv/bin' : `${VENV}/bin`;
  return [
    `ENV PATH=${folders}:\${PATH} \\`,
    '    HOME=/tmp \\',
    '    PYTHONUNBUFFERED=1 \\',
    '    MLFLOW_DISABLE_ENV_CREATION=true \\',
    ...(recipe.usesGpu
      ? ['    NVIDIA_VISIBLE_DEVICES=all \\', '    NVIDIA_DRIVER_CAPABILITIES=compute,utility \\']
      : []),
    `    MLTS_CONTAINER_ENV_MANAGER=${manager}`,
  ];
}

/** Of a process of its own: base images have no curl. */
function renderHealthCheck({ nodePath }: ModelImageRecipe): string {
  const script = `fetch('http://127.0.0.1:${MODEL_PORT}/ping').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`;
  const times = '--interval=10s --timeout=5s --start-period=120s --retries=3';
  return `HEALTHCHECK ${times} CMD ["/opt/mlts/${nodePath}", "-e", "${script}"]`;
}

function renderLabels(labels: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}=${JSON.stringify(value).replaceAll('$', '\\$')}`,
  );
  return pairs.length === 0 ? [] : [`LABEL ${pairs.join(' \\\n      ')}`];
}
