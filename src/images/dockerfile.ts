import { InvalidInput } from '../core/errors.ts';

/** Where a project's code is in its container, as in MLflow (`mlflow/projects/utils.py`). */
export const CODE_DIRECTORY = '/mlflow/projects/code';

/** Labels by which images are found again: what a build leaves behind, and what it made. */
export const LABELS = {
  stage: 'mlts.stage',
  environment: 'mlts.environment',
  project: 'mlts.project',
} as const;

/** Settings of pip that a build takes over from our environment. */
export const PIP_SETTINGS = [
  'PIP_INDEX_URL',
  'PIP_EXTRA_INDEX_URL',
  'PIP_TRUSTED_HOST',
  'PIP_DEFAULT_TIMEOUT',
  'PIP_RETRIES',
] as const;

/** `PIP_CERT` is a file, copied in. */
export const PIP_ARGUMENTS = [...PIP_SETTINGS, 'PIP_CERT'] as const;

export const CERTIFICATE_PATH = '/tmp/mlts/certificates.pem';

export interface EnvironmentRecipe {
  readonly baseImage: string;
  readonly buildDependencies: readonly string[];
  /** Lines of a requirements file that names no other file. */
  readonly dependencies: readonly string[];
  readonly constraints: readonly string[];
}

/**
 * The Dockerfile of a Python environment. Packages are installed in a stage of their own: addresses and
 * passwords of package indexes, which are build arguments there, are in no layer and no history of the image.
 */
export function renderEnvironmentDockerfile(recipe: EnvironmentRecipe, key: string): string {
  const pip = '/opt/mlts/bin/python -m pip install --no-cache-dir';
  const constraints = recipe.constraints.length > 0 ? ' -c constraints.txt' : '';
  return lines(
    `${from(recipe.baseImage, PROJECT_HINT)} AS packages`,
    `LABEL ${LABELS.stage}="${key}"`,
    'RUN python3 -m venv /opt/mlts',
    'COPY pip/ /tmp/mlts/',
    'WORKDIR /tmp/mlts',
    ...PIP_ARGUMENTS.map((name) => `ARG ${name}`),
    ...(recipe.buildDependencies.length > 0 ? [`RUN ${pip} -r build.txt`] : []),
    ...(recipe.dependencies.length > 0 ? [`RUN ${pip} -r requirements.txt${constraints}`] : []),
    '',
    from(recipe.baseImage, PROJECT_HINT),
    'COPY --from=packages /opt/mlts /opt/mlts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Docker's own variable.
    'ENV VIRTUAL_ENV=/opt/mlts PATH=/opt/mlts/bin:${PATH}',
    `LABEL ${LABELS.environment}="${key}"`,
  );
}

export interface ProjectRecipe {
  readonly baseImage: string;
  /** `name:tag` of the image, or its name alone. */
  readonly tag: string;
  /** `uid:gid` that may write in the code's folder; undefined: root. */
  readonly owner: string | undefined;
}

/** The Dockerfile that puts a project's code into its image (`build_docker_image` in `mlflow/projects/docker.py`). */
export function renderProjectDockerfile({ baseImage, tag, owner }: ProjectRecipe): string {
  const chown = owner === undefined ? '' : `--chown=${owner} `;
  return lines(
    from(baseImage, PROJECT_HINT),
    `COPY ${chown}code/ ${CODE_DIRECTORY}/`,
    `WORKDIR ${CODE_DIRECTORY}`,
    `LABEL ${LABELS.project}="${tag}"`,
  );
}

/**
 * `<project name>:<first seven of the commit>`, as MLflow's `_get_docker_image_uri`; what Docker does
 * not take in a name, and MLflow fails on, is replaced.
 */
export function nameProjectImage(project: string | undefined, commit: string | undefined): string {
  const name = (project ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9._/-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  const tag = commit === undefined ? '' : `:${commit.slice(0, 7)}`;
  return (name || 'docker-project') + tag;
}

const PROJECT_HINT =
  'check `image` in the MLproject file, or `python` in python_env.yaml: `"3.11"`';

/** @throws InvalidInput where the name would be more than one word: a project or model could add lines of its own. */
export function from(image: string, hint: string): string {
  if (/^[\w.:/@[\]-]+$/.test(image)) return `FROM ${image}`;
  throw new InvalidInput(`${JSON.stringify(image)} is no name of an image`, { hint });
}

function lines(...text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}

/** A requirements file of these lines. */
export function renderRequirements(requirements: readonly string[]): string {
  return requirements.map((line) => `${line}\n`).join('');
}
