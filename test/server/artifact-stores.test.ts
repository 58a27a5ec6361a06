import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { testArtifactStore } from '../contracts/artifact-store.ts';
import { startAzureServer } from '../setup/azure.ts';
import { startGcsServer, whyNoGcs } from '../setup/gcs.ts';
import type { RunningServer } from '../setup/mlflow.ts';
import { startMltsServer } from '../setup/mlts-server.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';
import { startS3Server } from '../setup/s3.ts';

interface Place {
  readonly server: RunningServer | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Where artifacts go; undefined: where the server keeps them by itself. */
  readonly base: string | undefined;
}

const PLACES: readonly {
  readonly name: string;
  readonly reason?: string | undefined;
  start(): Promise<Place>;
}[] = [
  { name: 'its disk', start: async () => ({ server: undefined, env: {}, base: undefined }) },
  {
    name: 'S3',
    async start() {
      const server = await startS3Server();
      await server.createBucket('lake');
      return { server, env: server.env, base: 's3://lake/kept' };
    },
  },
  {
    name: 'Google Cloud Storage',
    reason: await whyNoGcs(),
    async start() {
      const server = await startGcsServer();
      await server.createBucket('lake');
      return { server, env: server.env, base: 'gs://lake/kept' };
    },
  },
  {
    name: 'Azure blobs',
    async start() {
      const server = await startAzureServer();
      await server.createContainer('lake');
      const base = `wasbs://lake@${server.account}.blob.core.windows.net/kept`;
      return { server, env: server.env, base };
    },
  },
];

describe.each(PLACES)('mlts server over $name', ({ name, reason, start }) => {
  let place: Promise<Place> | undefined;
  const ends: (() => Promise<void>)[] = [];
  const startPlace = (): Promise<Place> => {
    place ??= start();
    return place;
  };
  afterAll(async () => {
    await Promise.all(ends.map((end) => end()));
    await (await place)?.server?.stop();
  });

  let count = 0;
  testArtifactStore(
    `mlts server over ${name}`,
    async () => {
      const { base, env } = await startPlace();
      const destination = base === undefined ? [] : ['--artifacts-destination', base];
      const server = await startMltsServer(destination, env);
      ends.push(() => server.stop());
      const createBase = (): string => {
        count += 1;
        return `mlflow-artifacts:/store-${count}`;
      };
      return { createBase, trackingUri: server.uri };
    },
    { isMlflowServer: true, skippedBecause: reason },
  );
});

describeOnPostgres('artifacts that clients reach by themselves, runs in PostgreSQL', (postgres) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = createRig();
    await rig.write({ 'set/a.txt': 'A', 'set/in/größe.txt': 'BB' });
  });
  afterAll(() => rig?.[Symbol.asyncDispose]());

  test.for(PLACES.filter(({ name }) => name !== 'its disk'))(
    'on $name the server lists and hands out what a client has put there',
    async ({ reason, start }, context) => {
      if (reason !== undefined) context.skip(reason);
      const place = await start();
      const options = ['--backend-store-uri', await postgres().createDatabase()];
      const root = ['--default-artifact-root', place.base ?? '', '--no-serve-artifacts'];
      const server = await startMltsServer([...options, ...root], place.env);
      try {
        const env = { ...rig.env, ...place.env, MLFLOW_TRACKING_URI: server.uri };
        const mlts = async (...args: string[]): Promise<string> => {
          const { stdout, stderr, exitCode } = await rig.mlts(args, { env });
          expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
          return stdout;
        };
        const created = await mlts('runs', 'create', '--experiment-id', '0');
        const { run_id: run } = JSON.parse(created) as { run_id: string };
        await mlts('artifacts', 'log-artifacts', '-r', run, '-l', rig.path('set'), '-a', 'x');
        const ask = (path: string) => fetch(`${server.uri}${path}`);
        const listed = await ask(`/api/2.0/mlflow/artifacts/list?run_id=${run}&path=x`);
        expect(await listed.json()).toMatchObject({
          root_uri: expect.stringContaining(place.base ?? ''),
          files: expect.arrayContaining([
            { path: 'x/a.txt', is_dir: false, file_size: 1 },
            { path: 'x/in', is_dir: true },
          ]),
        });
        const query = new URLSearchParams({ run_id: run, path: 'x/in/größe.txt' });
        const file = await ask(`/get-artifact?${query}`);
        expect([file.status, await file.text()]).toEqual([200, 'BB']);
        expect((await ask(`/get-artifact?path=none&run_id=${run}`)).status).toBe(404);
        const passing = await ask(`/api/2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/x/a.txt`);
        expect(passing.status).toBe(503);
      } finally {
        await Promise.all([server.stop(), place.server?.stop()]);
      }
    },
  );
});
