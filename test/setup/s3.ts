import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { findFreePort, type RunningServer, waitUntilHealthy } from './mlflow.ts';

/** Speaks all of the S3 protocol that is read here. It takes every key; signatures are not its job. */
const MOTO_VERSION = '5.2.5';

/** As many keys come with one listing; S3's own 1000 would make tests slow. */
export const S3_PAGE_SIZE = 10;

/** The program that serves S3, in an environment of its own, made on first use. */
function ensureMoto(): Promise<string> {
  return once('moto', async () => {
    const directory = join(testCache, `moto-${MOTO_VERSION}`);
    const bin = join(directory, 'bin');
    const done = join(directory, 'complete');
    if (!existsSync(done)) {
      await rm(directory, { recursive: true, force: true });
      await execa('python3', ['-m', 'venv', directory]);
      const packages = [`moto[server,s3]==${MOTO_VERSION}`];
      await execa(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', ...packages]);
      await writeFile(done, '');
    }
    return join(bin, 'moto_server');
  });
}

export interface S3Server extends RunningServer {
  /** Variables with which a client finds and may use it. */
  readonly env: Readonly<Record<string, string>>;
  createBucket(bucket: string): Promise<void>;
  put(bucket: string, key: string, content: string | Buffer): Promise<void>;
  get(bucket: string, key: string): Promise<StoredObject>;
  /** Keys of uploads in parts that were begun and neither finished nor given up. */
  listUnfinished(bucket: string): Promise<readonly string[]>;
}

export interface StoredObject {
  readonly content: Buffer;
  readonly type: string | undefined;
  readonly encoding: string | undefined;
  readonly storageClass: string | undefined;
}

/** An S3 server on a free port; what it holds is in its memory and ends with it. */
export async function startS3Server(): Promise<S3Server> {
  const program = await ensureMoto();
  const port = await findFreePort();
  const server = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], {
    env: { ...process.env, MOTO_S3_DEFAULT_MAX_KEYS: String(S3_PAGE_SIZE) },
    stdio: 'ignore',
    detached: true,
  });
  const uri = `http://127.0.0.1:${port}`;
  await waitUntilHealthy(`${uri}/moto-api/`);
  const credentials = { accessKeyId: 'test-key', secretAccessKey: 'test-secret' };
  const client = new S3Client({
    endpoint: uri,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
  });
  return {
    uri,
    env: {
      MLFLOW_S3_ENDPOINT_URL: uri,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    async createBucket(bucket) {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    },
    async put(bucket, key, content) {
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(content) }),
      );
    },
    async get(bucket, key) {
      const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const content = Buffer.from((await object.Body?.transformToByteArray()) ?? []);
      const { ContentType: type, ContentEncoding: encoding, StorageClass: storageClass } = object;
      return { content, type, encoding, storageClass };
    },
    async listUnfinished(bucket) {
      const answer = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return (answer.Uploads ?? []).map(({ Key = '' }) => Key);
    },
    async stop() {
      client.destroy();
      if (server.pid !== undefined && server.exitCode === null)
        process.kill(-server.pid, 'SIGKILL');
    },
  };
}
