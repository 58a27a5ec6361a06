import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import {
  ensureMlflow,
  findFreePort,
  mlflowEnv,
  type RunningServer,
  waitUntilHealthy,
} from './mlflow.ts';
import { makeServingFolder, SAME_SETS } from './models.ts';

const SCRIPT = resolve(import.meta.dirname, 'older-models.py');
/** What MLflow 2 needs that later releases of its packages no longer have. */
const FOR_MLFLOW_2 = [
  'pandas<2',
  'numpy<2',
  'scikit-learn==1.5.2',
  'setuptools<81',
  'sqlalchemy<2',
];
const FOR_FASTAPI = [
  'pandas<3',
  'numpy<3',
  'scikit-learn==1.5.2',
  'fastapi==0.115.12',
  'starlette==0.46.2',
];
const REQUIREMENTS: Readonly<Record<string, readonly string[]>> = {
  '2.0.1': [...FOR_MLFLOW_2, 'flask<3', 'werkzeug<3'],
  '2.9.2': [...FOR_MLFLOW_2, 'flask<4'],
  '2.22.2': [...FOR_FASTAPI, 'uvicorn'],
  '3.4.0': FOR_FASTAPI,
};
export const OLDER_MLFLOWS = Object.keys(REQUIREMENTS);

export interface OlderModel {
  /** The model, saved by that MLflow. */
  readonly folder: string;
  /** Of a virtual environment with what the model requires. */
  readonly python: string;
}

/** A model that an older MLflow saved, made on first use. */
export function ensureOlderModel(version: string): Promise<OlderModel> {
  const requirements = [`mlflow-skinny==${version}`, ...(REQUIREMENTS[version] ?? [])];
  return once(`older-model-${version}`, async () => {
    const digest = createHash('sha256')
      .update(await readFile(SCRIPT))
      .update(requirements.join())
      .digest('hex')
      .slice(0, 16);
    const base = join(testCache, `older-model-${version}-${digest}`);
    const made = { folder: join(base, 'model'), python: join(base, 'environment/bin/python') };
    const done = join(base, 'complete');
    if (existsSync(done)) return made;
    await rm(base, { recursive: true, force: true });
    const { bin, python } = await ensureMlflow();
    const uv = join(bin, 'uv');
    await execa(uv, ['venv', '--quiet', '--python', python, join(base, 'environment')]);
    await execa(uv, ['pip', 'install', '--quiet', '--python', made.python, ...requirements]);
    await execa(made.python, [SCRIPT, made.folder, ...requirements], {
      env: mlflowEnv(),
      extendEnv: false,
    });
    await writeFile(done, '');
    return made;
  });
}

const SERVE = `
import sys
from mlflow.pyfunc import load_model, scoring_server
app = scoring_server.init(load_model(sys.argv[2]))
if hasattr(scoring_server, "flask"):
    app.run(port=int(sys.argv[1]))
else:
    import uvicorn
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical")
`;

/** The scoring server of that older MLflow itself. */
export async function startOlderScoring({ folder, python }: OlderModel): Promise<RunningServer> {
  const port = await findFreePort();
  const server = spawn(python, ['-c', SERVE, String(port), folder], {
    cwd: await makeServingFolder(),
    env: mlflowEnv(SAME_SETS),
    stdio: 'ignore',
  });
  const uri = `http://127.0.0.1:${port}`;
  await waitUntilHealthy(`${uri}/ping`);
  return {
    uri,
    async stop() {
      server.kill('SIGKILL');
    },
  };
}
