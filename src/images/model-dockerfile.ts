import { variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import type { BuildEntry } from '../host/docker/build-entries.ts';
import { from, PIP_SETTINGS } from './dockerfile.ts';
import { PACKAGE_LIST, VENV } from './install-files.ts';
import { SERVER_ARCHIVE } from './server-archive.ts';

/** Where the model is in its image, as in MLflow's (`mlflow/models/container/__init__.py`). */
export const MODEL_DIRECTORY = '/opt/ml/model';
export const MODEL_PORT = 8080;
/**
 * Where a container notes its server's address for its health check, in the first that can be written: a container
 * has shared memory to itself, and also where its files are read-only.
 */
export const ADDRESS_FILES: readonly string[] = ['/dev/shm/mlts-address', '/tmp/mlts-address'];
const SERVER = '/opt/mlts';
const HINT = 'check --base-image, or `python` in python_env.yaml of the model: `"3.11"`';
/** In the group of root, as platforms that choose the user by themselves want it. */
const USER = '10001:0';

/** Labels by which builds are found again. */
export const IMAGE_LABELS = {
  stage: 'mlts.stage',
  context: 'mlts.context',
  image: 'mlts.model-image',
} as const;

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
  /** Whether a generic image puts MLflow into it, beside what the model asks for. */
  readonly installsMlflow: boolean;
  /** Packages of Debian or Ubuntu. */
  readonly systemPackages: readonly string[];
  readonly hasModel: boolean;
  /** Path below /opt/mlts of the Node that runs the server. */
  readonly nodePath: string;
  readonly usesGpu: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined for a Dockerfile that any builder must understand. */
  readonly buildKit: { readonly secrets: readonly string[] } | undefined;
  /** Names of what is passed to the build beside pip's settings. */
  readonly buildArguments: readonly string[];
}

/** The stage with the packages. */
const PACKAGES_STAGE = 'packages';

/**
 * The Dockerfile of a model image, its layers in the order in which they change: base, system packages,
 * requirements, server, model. What is installed with a password or leaves tools behind is done in a stage whose
 * history is in no image.
 */
export function renderModelDockerfile(recipe: ModelImageRecipe): string {
  const last = [...renderServer(recipe), ...renderModel(recipe)];
  return join([[FIRST_LINE], renderPackages(recipe), last]);
}

/** All files of an image's context, its Dockerfile among them. */
export function listContext(
  recipe: ModelImageRecipe,
  entries: readonly BuildEntry[],
): readonly BuildEntry[] {
  return [toDockerfile(renderModelDockerfile(recipe)), ...entries];
}

export const DOCKERFILE = 'Dockerfile';

export function toDockerfile(text: string): BuildEntry {
  return { path: DOCKERFILE, content: { text } };
}

const FIRST_LINE =
  '# Written by `mlts models generate-dockerfile`: made anew by it, not changed by hand.';
/** Of the Dockerfile that MLflow 3 writes (`mlflow/models/docker_utils.py`). */
const FIRST_OF_MLFLOW = '# Build an image that can serve mlflow models.';

/** Whether a Dockerfile is a model image's, of mlts or of MLflow: it may be replaced. */
export function isModelDockerfile(text: string): boolean {
  return text.startsWith(FIRST_LINE) || text.startsWith(FIRST_OF_MLFLOW);
}

/** The part that many models share, as an image of its own; `stage` is its label. */
export function renderSharedDockerfile(recipe: ModelImageRecipe, stage: string): string {
  const label = `LABEL ${IMAGE_LABELS.stage}="${stage}"`;
  return join([renderPackages(recipe), renderServer(recipe)]).replace(
    /^FROM .*$/gm,
    `$&\n${label}`,
  );
}

/** The rest, on top of the shared part. */
export function renderLastDockerfile(recipe: ModelImageRecipe, shared: string): string {
  return join([[from(shared, HINT), ...renderModel(recipe)]]);
}

function join(blocks: readonly (readonly string[])[]): string {
  const texts = blocks.filter((block) => block.length > 0).map((block) => block.join('\n'));
  return `${texts.join('\n\n')}\n`;
}

function renderPackages(recipe: ModelImageRecipe): string[] {
  const { packages, environmentManager, baseImage, buildArguments } = recipe;
  if (packages === 'at-start' && environmentManager === 'conda') return [];
  const names = new Set([...PIP_SETTINGS, ...buildArguments]);
  return [
    '# The packages, in a stage of their own: what installs them stays behind.',
    `${from(packages === 'conda' ? CONDA_IMAGE : baseImage, HINT)} AS ${PACKAGES_STAGE}`,
    ...(packages === 'requirements' ? renderSystemPackages(recipe) : []),
    ...(packages === 'at-start' ? [] : ['COPY requirements/ /tmp/mlts/']),
    ...[...names].map((name) => `ARG ${name}`),
    renderInstallation(recipe),
  ];
}

function renderInstallation(recipe: ModelImageRecipe): string {
  const mounts = renderMounts(recipe);
  switch (recipe.packages) {
    case 'at-start':
      return `RUN ${mounts}python3 -m pip install --no-cache-dir --target /opt/uv uv`;
    case 'conda':
      return (
        `RUN ${mounts}conda env create --yes -p ${VENV} -f /tmp/mlts/conda.yaml && conda clean --all --yes` +
        ` && mkdir -p /opt/python && ${VENV}/bin/python /tmp/mlts/list_packages.py > ${PACKAGE_LIST}`
      );
    case 'requirements':
      return `RUN ${mounts}MLTS_PYTHON=${checkPython(recipe)} MLTS_LOADER=${recipe.loader} sh /tmp/mlts/install.sh`;
  }
}

/** @throws InvalidInput where it would be more than one word: a model could add lines of its own. */
function checkPython({ python = '' }: ModelImageRecipe): string {
  if (/^[\w.+-]*$/.test(python)) return python;
  throw new InvalidInput(`${JSON.stringify(python)} is no version of Python`, {
    hint: 'check `python` in python_env.yaml of the model: `"3.11"`',
  });
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
  return [
    '# The server, and the model last: it changes most.',
    from(recipe.baseImage, HINT),
    ...renderSystemPackages(recipe),
    ...listCopied(recipe).map((path) => `COPY --from=${PACKAGES_STAGE} ${path} ${path}`),
    `ADD ${SERVER_ARCHIVE} ${SERVER}/`,
    ...renderEnvironment(recipe),
    `EXPOSE ${MODEL_PORT}`,
    `USER ${USER}`,
    'WORKDIR /tmp',
    'STOPSIGNAL SIGTERM',
    renderHealthCheck(recipe),
    `ENTRYPOINT ["${SERVER}/bin/mlts.cjs", "models", "serve-container"]`,
  ];
}

/** A generic image installs packages when it starts, for whoever runs it: into a folder that is his. */
function listCopied({ packages, environmentManager }: ModelImageRecipe): readonly string[] {
  if (packages !== 'at-start') return ['/opt/python', VENV];
  return environmentManager === 'conda' ? [] : ['/opt/uv'];
}

/** Labels first: what a failed build leaves is found by them. */
function renderModel({ hasModel, labels }: ModelImageRecipe): string[] {
  return [...renderLabels(labels), ...(hasModel ? [`COPY model/ ${MODEL_DIRECTORY}/`] : [])];
}

function renderEnvironment(recipe: ModelImageRecipe): string[] {
  const manager = recipe.packages === 'at-start' ? recipe.environmentManager : 'local';
  const folders = recipe.packages === 'at-start' ? '/opt/uv/bin' : `${VENV}/bin`;
  return [
    `ENV PATH=${folders}:$PATH \\`,
    '    HOME=/tmp \\',
    '    PYTHONUNBUFFERED=1 \\',
    '    MLFLOW_DISABLE_ENV_CREATION=true \\',
    ...(recipe.usesGpu
      ? ['    NVIDIA_VISIBLE_DEVICES=all \\', '    NVIDIA_DRIVER_CAPABILITIES=compute,utility \\']
      : []),
    ...(recipe.installsMlflow ? [`    ${variables.containerInstallsMlflow}=true \\`] : []),
    `    ${variables.containerEnvironmentManager}=${manager}`,
  ];
}

/** Of a process of its own: base images have no curl. Where the server listens, and whether by https, is known when it starts. */
function renderHealthCheck({ nodePath }: ModelImageRecipe): string {
  const files = ADDRESS_FILES.map((file) => `'${file}'`).join(', ');
  const script =
    `const { existsSync, readFileSync } = require('fs'); ` +
    `const address = readFileSync([${files}].find(existsSync) || '${ADDRESS_FILES[0]}', 'utf8'); ` +
    `require(address.split(':')[0]).get(address + '/ping', { rejectUnauthorized: false }, (answer) => ` +
    `process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))`;
  const times = '--interval=10s --timeout=5s --start-period=120s --retries=3';
  return `HEALTHCHECK ${times} CMD ["${SERVER}/${nodePath}", "-e", "${script}"]`;
}

function renderLabels(labels: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}=${JSON.stringify(value).replaceAll('$', '\\$')}`,
  );
  return pairs.length === 0 ? [] : [`LABEL ${pairs.join(' \\\n      ')}`];
}
