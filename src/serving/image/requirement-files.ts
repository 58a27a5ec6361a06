import type { Env } from '../../core/environment-variables.ts';
import { InvalidInput } from '../../core/errors.ts';
import type { Specification } from '../../environments/specification.ts';
import { type BuildEntry, listFolderEntries } from '../../host/docker/build-entries.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { isFolder } from '../../host/folders.ts';
import { renderRequirements } from '../../images/dockerfile.ts';
import type { LocalModel } from '../../models/local-model.ts';
import type { ModelImageOptions } from './plan.ts';
import { readImageRequirements } from './requirements.ts';

/** pip and wheel install other packages: nothing is installed in a finished image. */
const INSTALLERS = /^(pip|wheel)\b/i;

/**
 * What `install.sh` installs, and what it installs from.
 *
 * @throws InvalidInput for a folder of wheels without wheels, or MLflow's sources that are not there.
 */
export async function listRequirementFiles(
  model: LocalModel,
  { dependencies: lines, buildDependencies }: Specification,
  options: ModelImageOptions,
  env: Env,
): Promise<readonly BuildEntry[]> {
  const requirements = await readImageRequirements(model, lines, options);
  const { dependencies, constraints, overrides, isPlain, files } = requirements;
  const build = isPlain ? [] : buildDependencies.filter((line) => !INSTALLERS.test(line));
  return [
    toRequirements('build.txt', build),
    toRequirements('requirements.txt', dependencies),
    toRequirements('constraints.txt', constraints),
    toRequirements('overrides.txt', overrides),
    ...files,
    ...(await listCertificates(env)),
    ...(await listWheels(options)),
    ...(await listSources(options)),
  ];
}

async function listCertificates({ PIP_CERT: path }: Env): Promise<readonly BuildEntry[]> {
  const text = path ? await readTextIfPresent(path) : undefined;
  return text === undefined ? [] : [{ path: 'requirements/certificates.pem', content: { text } }];
}

async function listWheels({ wheelhouse }: ModelImageOptions): Promise<readonly BuildEntry[]> {
  if (wheelhouse === undefined) return [];
  const entries = (await isFolder(wheelhouse))
    ? await listFolderEntries(wheelhouse, 'requirements/wheelhouse')
    : [];
  const wheels = entries.filter(({ path }) => /\.(whl|tar\.gz|zip)$/.test(path));
  if (wheels.length > 0) return wheels;
  throw new InvalidInput(`${wheelhouse} holds no wheels`, {
    hint: 'fill it: pip download -d DIR -r requirements.txt uv',
  });
}

async function listSources({ mlflowHome }: ModelImageOptions): Promise<readonly BuildEntry[]> {
  if (mlflowHome === undefined) return [];
  if (await isFolder(mlflowHome)) return listFolderEntries(mlflowHome, 'requirements/mlflow');
  throw new InvalidInput(`${mlflowHome} is no folder with MLflow's sources`, {
    hint: 'check --mlflow-home, or MLFLOW_HOME',
  });
}

function toRequirements(name: string, lines: readonly string[]): BuildEntry {
  return { path: `requirements/${name}`, content: { text: renderRequirements(lines) } };
}
