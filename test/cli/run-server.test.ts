import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePort, type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { createRig, type Rig } from './rig.ts';

/** A wire to MLflow's real server that can be cut and mended: the store that goes away and comes back. */
class Wire {
  readonly port: number;
  readonly #target: URL;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(port: number, target: string) {
    this.port = port;
    this.#target = new URL(target);
  }

  async mend(): Promise<void> {
    this.#server = createServer((near) => {
      const far = connect(Number(this.#target.port), this.#target.hostname);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => this.#server?.listen(this.port, '127.0.0.1', resolve));
  }

  cut(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

let server: RunningServer;
let wire: Wire;
beforeAll(async () => {
  server = await startMlflowServer();
  wire = new Wire(await findFreePort(), server.uri);
  await wire.mend();
});
afterAll(async () => {
  wire.cut();
  await server?.stop();
});

async function writeProject(rig: Rig): Promise<void> {
  await rig.write({
    'p/MLproject': `entry_points:
  main: {command: "echo $MLFLOW_RUN_ID > id; touch started; while [ ! -e go ]; do sleep 0.05; done"}
`,
  });
}

async function readStoredRun(
  rig: Rig,
): Promise<{ info: { status: string }; data: { tags: { key: string }[] } }> {
  const { readFile } = await import('node:fs/promises');
  const id = (await readFile(rig.path('p/id'), 'utf8')).trim();
  const answer = await fetch(`${server.uri}/api/2.0/mlflow/runs/get?run_id=${id}`);
  return ((await answer.json()) as { run: Awaited<ReturnType<typeof readStoredRun>> }).run;
}

async function waitForStart(rig: Rig): Promise<void> {
  const { access } = await import('node:fs/promises');
  await expect
    .poll(
      () =>
        access(rig.path('p/started')).then(
          () => true,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true);
}

describe("a run on MLflow's own server", () => {
  test('is created, tagged and ended there', async () => {
    await using rig = createRig();
    await writeProject(rig);
    await rig.write({ 'p/go': '' });
    const ended = await rig.mlts(
      ['run', 'p', '--env-manager', 'local', '--experiment-name', 'over http'],
      {
        env: { MLFLOW_TRACKING_URI: server.uri },
      },
    );
    expect(ended.exitCode).toBe(0);
    const run = await readStoredRun(rig);
    expect(run.info.status).toBe('FINISHED');
    expect(run.data.tags.map(({ key }) => key)).toContain('mlflow.project.entryPoint');
  });

  test('ends there although the server was away when the command ended', async () => {
    await using rig = createRig();
    await writeProject(rig);
    const child = rig.start(['run', 'p', '--env-manager', 'local'], {
      env: {
        MLFLOW_TRACKING_URI: `http://127.0.0.1:${wire.port}`,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      },
    });
    await waitForStart(rig);
    wire.cut();
    await rig.write({ 'p/go': '' });
    setTimeout(() => void wire.mend(), 3_000);
    const ended = await child.ended;
    expect(ended).toMatchObject({ exitCode: 0 });
    expect(ended.stderr).toContain('trying again');
    expect((await readStoredRun(rig)).info.status).toBe('FINISHED');
  });

  test('says exactly what was not written when the server stays away', async () => {
    await using rig = createRig();
    await writeProject(rig);
    const child = rig.start(['run', 'p', '--env-manager', 'local'], {
      env: {
        MLFLOW_TRACKING_URI: `http://127.0.0.1:${wire.port}`,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
        MLTS_STORE_DEADLINE_SECONDS: '2',
      },
    });
    await waitForStart(rig);
    wire.cut();
    await rig.write({ 'p/go': '' });
    const ended = await child.ended;
    await wire.mend();
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(
      /^error: the end of run [0-9a-f]{32} was not written \(status FINISHED, end time /m,
    );
    expect((await readStoredRun(rig)).info.status).toBe('RUNNING');
  });
});
