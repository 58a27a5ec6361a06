import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { installMissing, whyNoPackages } from './debian.ts';
import { ensureMlflow, MLFLOW_VERSION, mlflowEnv } from './mlflow.ts';
import type { ModelFolder } from './models.ts';

/** Libraries whose models are served from one environment. */
interface House {
  /** Below `test/setup/`: saves the models. */
  readonly script: string;
  readonly packages: readonly string[];
  /** Installed without what they ask for. */
  readonly alone?: readonly string[];
  /** Debian's program or file, and the package that brings it. */
  readonly debian?: Readonly<Record<string, string>>;
  /** Modules of Debian's Python that the environment sees. */
  readonly modules?: readonly string[];
}

const DEBIAN_MODULES = '/usr/lib/python3/dist-packages';

/** From smallest to largest; the index has PyTorch only with several GB for GPUs, Debian has it without. */
const HOUSES = {
  custom: { script: 'zoo-custom.py', packages: ['langchain==1.5.2'] },
  tabular: {
    script: 'zoo-tabular.py',
    packages: [
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
    script: 'zoo-spark.py',
    packages: ['pyspark==4.2.0'],
    debian: { java: 'default-jre-headless' },
  },
  torch: {
    script: 'zoo-torch.py',
    packages: ['numpy<2', 'transformers==4.45.2', 'sympy', 'networkx'],
    alone: ['sentence-transformers==3.2.0'],
    debian: { [`${DEBIAN_MODULES}/torch`]: 'python3-torch' },
    modules: ['torch', 'torchgen', 'functorch'],
  },
  keras: { script: 'zoo-keras.py', packages: ['tensorflow-cpu==2.21.0'] },
} satisfies Readonly<Record<string, House>>;

export type HouseName = keyof typeof HOUSES;

/** Why the models cannot be made here; undefined where they can. */
export async function whyNoHouse(name: HouseName): Promise<string | undefined> {
  const { debian = {} }: House = HOUSES[name];
  for (const program of Object.keys(debian)) {
    const found = await execa('which', [program], { reject: false });
    if (found.exitCode === 0 || existsSync(program)) continue;
    const reason = whyNoPackages();
    if (reason !== undefined) return `${debian[program]} is not here: ${reason}`;
  }
  return undefined;
}

/** Models that real MLflow saves with the libraries of a house, made on first use. */
export function ensureHouse(name: HouseName): Promise<ModelFolder> {
  const house: House = HOUSES[name];
  return once(`zoo-${name}`, async () => {
    const script = resolve(import.meta.dirname, house.script);
    const digest = createHash('sha256')
      .update(await readFile(script))
      .digest('hex')
      .slice(0, 16);
    const python = await ensureEnvironment(name, house);
    const folder = join(testCache, `zoo-${name}-models-${digest}`);
    const done = join(folder, 'complete');
    if (existsSync(done)) return { python, folder };
    await rm(folder, { recursive: true, force: true });
    await execa(python, [script, folder], { env: mlflowEnv(), extendEnv: false });
    await writeFile(done, '');
    return { python, folder };
  });
}

async function ensureEnvironment(name: HouseName, house: House): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify(house)).digest('hex').slice(0, 16);
  const directory = join(testCache, `zoo-${name}-${digest}`);
  const [python, done] = [join(directory, 'bin/python'), join(directory, 'complete')];
  if (existsSync(done)) return python;
  await rm(directory, { recursive: true, force: true });
  await installMissing(house.debian ?? {});
  const mlflow = await ensureMlflow();
  const uv = join(mlflow.bin, 'uv');
  // Debian's modules are compiled for Debian's own Python.
  const base = house.modules === undefined ? mlflow.python : '/usr/bin/python3';
  await execa(uv, ['venv', '--quiet', '--python', base, directory]);
  const install = ['pip', 'install', '--quiet', '--compile-bytecode', '--python', python];
  await execa(uv, [...install, `mlflow==${MLFLOW_VERSION}`, ...house.packages]);
  if (house.alone !== undefined) await execa(uv, [...install, '--no-deps', ...house.alone]);
  await linkModules(python, house.modules ?? []);
  await writeFile(done, '');
  return python;
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
