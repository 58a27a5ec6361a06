import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { installMissing, whyNoPackages } from './debian.ts';
import { ensureMlflow, MLFLOW_VERSION, mlflowEnv } from './mlflow.ts';
import type { ModelFolder } from './models.ts';

/** What is installed side by side. */
interface Environment {
  readonly packages: readonly string[];
  /** Installed without what they ask for. */
  readonly alone?: readonly string[];
  /** Debian's program or file, and the package that brings it. */
  readonly debian?: Readonly<Record<string, string>>;
  /** Modules of Debian's Python that the environment sees. */
  readonly modules?: readonly string[];
  /** With what it weighs it is made only where that is asked for. */
  readonly weighs?: string;
}

const DEBIAN_MODULES = '/usr/lib/python3/dist-packages';

/** The index has PyTorch only with several GB for GPUs, Debian has it without. */
const ENVIRONMENTS = {
  light: {
    packages: [
      'langchain==1.5.2',
      'xgboost-cpu==3.2.0',
      'lightgbm==4.7.0',
      'catboost==1.2.10',
      'onnx==1.23.2',
      'onnxruntime==1.32.0',
      'statsmodels==0.15.0',
      'prophet==1.5.0',
    ],
  },
  spark: {
    packages: ['pyspark==4.2.0'],
    debian: { java: 'default-jre-headless' },
    weighs: '1 GB with Java',
  },
  torch: {
    packages: ['numpy<2', 'transformers==4.45.2', 'sympy', 'networkx'],
    alone: ['sentence-transformers==3.2.0'],
    debian: { [`${DEBIAN_MODULES}/torch`]: 'python3-torch' },
    modules: ['torch', 'torchgen', 'functorch'],
    weighs: '1 GB with PyTorch',
  },
  keras: { packages: ['tensorflow-cpu==2.21.0'], weighs: '2 GB' },
} satisfies Readonly<Record<string, Environment>>;

type EnvironmentName = keyof typeof ENVIRONMENTS;

/** Models that one script below `test/setup/` saves, and the environment in which it does. */
const HOUSES = {
  custom: ['zoo-custom.py', 'light'],
  late: ['zoo-late.py', 'light'],
  tabular: ['zoo-tabular.py', 'light'],
  spark: ['zoo-spark.py', 'spark'],
  torch: ['zoo-torch.py', 'torch'],
  keras: ['zoo-keras.py', 'keras'],
} as const satisfies Readonly<Record<string, readonly [string, EnvironmentName]>>;

export type HouseName = keyof typeof HOUSES;

/** The packages of a house could not be had. */
export class NotInstalled extends Error {
  override readonly name = 'NotInstalled';
}

/** Why the models of a house are not asked for here; undefined where they are. */
export async function whyNoHouse(name: HouseName): Promise<string | undefined> {
  const { debian = {}, weighs }: Environment = ENVIRONMENTS[HOUSES[name][1]];
  if (weighs !== undefined && !process.env.MLTS_TEST_ZOO) {
    return `it takes ${weighs}: MLTS_TEST_ZOO=1 asks for it`;
  }
  for (const program of Object.keys(debian)) {
    const found = await execa('which', [program], { reject: false });
    if (found.exitCode === 0 || existsSync(program)) continue;
    const reason = whyNoPackages();
    if (reason !== undefined) return `${debian[program]} is not here: ${reason}`;
  }
  return undefined;
}

/** Models that real MLflow saves with the libraries of a house, made on first use. @throws NotInstalled */
export async function ensureHouse(name: HouseName): Promise<ModelFolder> {
  const [file, environment] = HOUSES[name];
  const python = await ensureEnvironment(environment).catch((error: Error) => {
    throw new NotInstalled(error.message.split('\n', 3).join(' '));
  });
  return once(`zoo-${name}`, async () => {
    const script = resolve(import.meta.dirname, file);
    const folder = join(testCache, `zoo-${name}-models-${digestOf(await readFile(script))}`);
    const done = join(folder, 'complete');
    if (existsSync(done)) return { python, folder };
    await rm(folder, { recursive: true, force: true });
    await execa(python, [script, folder], { env: mlflowEnv(), extendEnv: false });
    await writeFile(done, '');
    return { python, folder };
  });
}

function ensureEnvironment(name: EnvironmentName): Promise<string> {
  const environment: Environment = ENVIRONMENTS[name];
  return once(`zoo-environment-${name}`, async () => {
    const directory = join(testCache, `zoo-${name}-${digestOf(JSON.stringify(environment))}`);
    const [python, done] = [join(directory, 'bin/python'), join(directory, 'complete')];
    if (existsSync(done)) return python;
    await rm(directory, { recursive: true, force: true });
    await makeEnvironment(environment, directory, python);
    await writeFile(done, '');
    return python;
  });
}

async function makeEnvironment(
  { packages, alone, debian = {}, modules }: Environment,
  directory: string,
  python: string,
): Promise<void> {
  await installMissing(debian);
  const mlflow = await ensureMlflow();
  const uv = join(mlflow.bin, 'uv');
  // Debian's modules are compiled for Debian's own Python.
  const base = modules === undefined ? mlflow.python : '/usr/bin/python3';
  await execa(uv, ['venv', '--quiet', '--python', base, directory]);
  const install = ['pip', 'install', '--quiet', '--compile-bytecode', '--python', python];
  await execa(uv, [...install, `mlflow==${MLFLOW_VERSION}`, ...packages]);
  if (alone !== undefined) await execa(uv, [...install, '--no-deps', ...alone]);
  await linkModules(python, modules ?? []);
}

function digestOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

/** With the folders that say which version they are. */
async function linkModules(python: string, modules: readonly string[]): Promise<void> {
  if (modules.length === 0) return;
  const script = 'import sysconfig; print(sysconfig.get_path("purelib"))';
  const { stdout: packages } = await execa(python, ['-c', script]);
  for (const file of await readdir(DEBIAN_MODULES)) {
    const module = file.replace(/-.*$/, '');
    if (!modules.includes(module)) continue;
    await symlink(join(DEBIAN_MODULES, file), join(packages, file));
  }
}

/** PATH on which `python` is that of the environment. */
export function pathOf({ python }: ModelFolder): string {
  return `${dirname(python)}:${process.env.PATH}`;
}
