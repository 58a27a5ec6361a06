import { type ChildProcess, spawn } from 'node:child_process';
import { once as onceEvent } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { testCache } from './cache.ts';
import { mlflowEnv, type RunningServer } from './mlflow.ts';

const bin = resolve(import.meta.dirname, '../../bin/mlts.cjs');

export interface MltsServer extends RunningServer {
  readonly process: ChildProcess;
  /** Where its data is. */
  readonly folder: string;
  /** All that it has said so far. */
  readonly said: { stdout: string; stderr: string };
}

/** `mlts server` on a free port, the real program, with its data in a temporary folder. */
export async function startMltsServer(
  extraArgs: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<MltsServer> {
  const folder = await mkdtemp(join(testCache, 'mlts-server-'));
  const server = spawn(bin, ['server', '--port', '0', ...extraArgs], {
    cwd: folder,
    env: mlflowEnv({ NO_COLOR: '1', ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  server.stdout.on('data', (piece: Buffer) => {
    said.stdout += piece.toString();
  });
  const ended = onceEvent(server, 'exit');
  const uri = await new Promise<string>((found, failed) => {
    server.stderr.on('data', (piece: Buffer) => {
      said.stderr += piece.toString();
      const [, address] = /^serving .* at (\S+)$/m.exec(said.stderr) ?? [];
      if (address !== undefined) found(address);
    });
    ended.then(() => failed(new Error(`mlts server ended: ${said.stderr}`)), failed);
  });
  return {
    uri,
    process: server,
    folder,
    said,
    async stop() {
      if (server.exitCode === null && server.signalCode === null) {
        server.kill('SIGTERM');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
