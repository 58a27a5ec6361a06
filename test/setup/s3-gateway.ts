import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { findFreePort, waitUntilListening } from './mlflow.ts';

/** An S3 server in Go that keeps objects as files: neither client waits for it, as both would for one in Python. */
const GATEWAY = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
const BOTO3 = 'boto3==1.44.5';

export interface S3Gateway {
  /** Variables with which MLflow and mlts find and may use it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Serves `folder`, each folder in it a bucket. */
export async function startS3Gateway(folder: string): Promise<S3Gateway> {
  const program = await ensureGateway();
  const port = await findFreePort();
  const [key, secret] = ['bench-key', 'bench-secret'];
  const access = ['--access', key, '--secret', secret, '--port', `127.0.0.1:${port}`];
  const server = spawn(program, [...access, '--quiet', 'posix', folder], { stdio: 'ignore' });
  await waitUntilListening(port);
  return {
    env: {
      MLFLOW_S3_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: key,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_DEFAULT_REGION: 'us-east-1',
      PYTHONPATH: await ensureBoto3(),
    },
    async stop() {
      server.kill();
    },
  };
}

function ensureGateway(): Promise<string> {
  return once('versitygw', async () => {
    const bin = join(testCache, 'versitygw');
    const program = join(bin, 'versitygw');
    if (existsSync(program)) return program;
    await mkdir(bin, { recursive: true });
    await execa('go', ['install', GATEWAY], { env: { GOBIN: bin } });
    return program;
  });
}

/** What MLflow needs to speak S3; beside its environment, which the tests have without it. */
function ensureBoto3(): Promise<string> {
  return once('boto3', async () => {
    const folder = join(testCache, BOTO3);
    if (existsSync(folder)) return folder;
    const arguments_ = ['-m', 'pip', 'install', '--quiet', '--target', `${folder}.partial`, BOTO3];
    await execa('python3', arguments_);
    await execa('mv', [`${folder}.partial`, folder]);
    return folder;
  });
}
