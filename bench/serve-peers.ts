import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from '../test/setup/cache.ts';
import { findFreePort, mlflowEnv } from '../test/setup/mlflow.ts';
import { loadUrl } from './load.ts';
import { startServed } from './served.ts';

/** The same model behind other servers, each in the same Python. */
const PEERS = [
  {
    name: 'BentoML',
    packages: ['bentoml'],
    health: '/readyz',
    path: '/predict',
    file: 'service.py',
    source: `
import os, sys
import bentoml, mlflow, pandas as pd
COLUMNS = [f"f{i}" for i in range(20)]
@bentoml.service(workers=1)
class Model:
    def __init__(self):
        self.model = mlflow.sklearn.load_model(os.environ["BENCH_MODEL"])
    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[int]:
        return self.model.predict(pd.DataFrame(rows, columns=COLUMNS)).astype(int).tolist()
`,
    command: (bin: string, port: number) => [
      join(bin, 'bentoml'),
      'serve',
      'service:Model',
      '--port',
      String(port),
    ],
  },
  {
    name: 'LitServe',
    packages: ['litserve'],
    health: '/health',
    path: '/predict',
    file: 'server.py',
    source: `
import os, sys
import litserve, mlflow, pandas as pd
COLUMNS = [f"f{i}" for i in range(20)]
class Model(litserve.LitAPI):
    def setup(self, device):
        self.model = mlflow.sklearn.load_model(os.environ["BENCH_MODEL"])
    def decode_request(self, request):
        return pd.DataFrame(request["rows"], columns=COLUMNS)
    def predict(self, rows):
        return self.model.predict(rows)
    def encode_response(self, predictions):
        return {"predictions": predictions.astype(int).tolist()}
if __name__ == "__main__":
    litserve.LitServer(Model(), accelerator="cpu", workers_per_device=1).run(port=int(sys.argv[1]), generate_client_file=False)
`,
    command: (bin: string, port: number) => [join(bin, 'python'), 'server.py', String(port)],
  },
] as const;

/** Asks them for predictions of one row and of 1,000, over as many connections at once. */
export async function benchPeers(
  model: string,
  rows: (count: number) => readonly (readonly number[])[],
  { connections, seconds }: { readonly connections: readonly number[]; readonly seconds: number },
): Promise<void> {
  for (const peer of PEERS) {
    try {
      const bin = await ensurePeer(peer.name, peer.packages);
      const folder = join(model, '..', peer.name);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, peer.file), peer.source);
      const port = await findFreePort();
      const served = startServed(peer.command(bin, port), {
        url: `http://127.0.0.1:${port}`,
        healthPath: peer.health,
        env: mlflowEnv({ BENCH_MODEL: model, PATH: `${bin}:${process.env.PATH}` }),
        cwd: folder,
      });
      const server = await served;
      try {
        for (const count of [1, 1_000]) {
          const body = JSON.stringify({ rows: rows(count) });
          const figures: string[] = [];
          for (const at of connections) {
            const load = await loadUrl(server.url + peer.path, body, { connections: at, seconds });
            figures.push(load.requestsPerSecond.toFixed(0));
          }
          const title = `${peer.name}, ${count} row(s)`.padEnd(44);
          console.log(
            `${title} ${figures.join('/')} a second at ${connections.join('/')} connections`,
          );
        }
      } finally {
        await server.stop();
      }
    } catch (error) {
      console.log(`${peer.name} could not be measured here: ${String(error).split('\n')[0]}`);
    }
  }
}

function ensurePeer(name: string, packages: readonly string[]): Promise<string> {
  return once(`peer-${name}`, async () => {
    const directory = join(testCache, `peer-${name}`);
    const [bin, done] = [join(directory, 'bin'), join(directory, 'complete')];
    if (existsSync(done)) return bin;
    await rm(directory, { recursive: true, force: true });
    await execa('python3', ['-m', 'venv', directory]);
    const python = join(bin, 'python');
    await execa(python, ['-m', 'pip', 'install', '--quiet', 'mlflow==3.17.2', ...packages]);
    await execa(python, ['-m', 'compileall', '-q', join(directory, 'lib')], { reject: false });
    await writeFile(done, '');
    return bin;
  });
}
