import { PassThrough, Readable, Writable } from 'node:stream';
import type { ContainerLaunch } from '../../src/core/launch.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { runContainer } from '../../src/host/docker/container.ts';
import { createTestContext, type TestContext } from './context.ts';
import { BASE_IMAGE } from './docker.ts';

export interface ContainerRun {
  readonly outcome: Promise<Outcome>;
  readonly context: TestContext;
  /** What the container wrote so far. */
  readonly wrote: { stdout: string; stderr: string };
  /** Resolves when the container's stdout has this text. */
  waitForText(text: string): Promise<void>;
}

/** A launch of `sh -c command` in the test image. */
export function launchOf(command: string, changes: Partial<ContainerLaunch> = {}): ContainerLaunch {
  return {
    kind: 'container',
    image: BASE_IMAGE,
    command: ['bash', '-c', command],
    workingDirectory: '/',
    env: { TINI_KILL_PROCESS_GROUP: '1' },
    mounts: [],
    user: undefined,
    options: { container: {}, hostConfig: { Init: true } },
    ...changes,
  };
}

/** Starts a container whose streams are collected; `input` is its stdin. */
export function startContainer(
  launch: ContainerLaunch,
  {
    input = '',
    graceMs = 10_000,
    env = process.env,
  }: {
    input?: string;
    graceMs?: number;
    env?: Record<string, string | undefined>;
  } = {},
): ContainerRun {
  const context = createTestContext({ env });
  const wrote = { stdout: '', stderr: '' };
  const news = new PassThrough();
  const collect = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _encoding, done) {
        wrote[name] += String(chunk);
        news.emit('text');
        done();
      },
    });
  const streams = {
    stdin: Readable.from([Buffer.from(input)]),
    stdout: collect('stdout'),
    stderr: collect('stderr'),
  };
  return {
    context,
    wrote,
    outcome: runContainer(launch, context, { graceMs, streams }),
    waitForText: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (wrote.stdout.includes(text)) resolve();
        };
        news.on('text', look);
        look();
      }),
  };
}
