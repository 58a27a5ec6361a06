import { join } from 'node:path';
import { execa } from 'execa';
import { testCache } from '../setup/cache.ts';
import { createRig, type Rig } from './rig.ts';

/** A rig that finds the packed server of an earlier one: it is large. */
export function createImageRig(): Rig {
  return createRig({ XDG_CACHE_HOME: join(testCache, 'packed-servers') });
}

/** Files of a model that asks for next to nothing: it can be installed, and needs not be loaded. */
export function tinyModel(
  requirements: readonly string[],
  flavor = 'python_function',
  loader = 'mine',
): Record<string, string> {
  return {
    'model/MLmodel': `flavors:
  ${flavor}:
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: ${loader}
    python_version: 3.11.2
mlflow_version: 3.17.2
model_id: m-0123456789abcdef
run_id: 0123456789abcdef0123456789abcdef
signature: {inputs: '[{"type": "double", "name": "a", "required": true}]'}
`,
    'model/python_env.yaml':
      'python: "3"\nbuild_dependencies: []\ndependencies: [-r requirements.txt]\n',
    'model/requirements.txt': requirements.map((line) => `${line}\n`).join(''),
    'model/weights.bin': 'weights\n',
  };
}

/** Puts a package in source form into the model, which is built with what `setup` (Python) says. */
export async function addSourcePackage(rig: Rig, setup: string): Promise<string> {
  await rig.write({
    'probe-1.0/setup.py': `${setup}\nfrom setuptools import setup\nsetup(name="probe", version="1.0", py_modules=["probe"])\n`,
    'probe-1.0/probe.py': '',
  });
  await execa('tar', ['czf', rig.path('model/probe-1.0.tar.gz'), '-C', rig.directory, 'probe-1.0']);
  return './probe-1.0.tar.gz';
}
