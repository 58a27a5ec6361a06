import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findCredentials, findRegistry } from '../../src/images/credentials.ts';
import { testCache } from '../setup/cache.ts';

test.each([
  ['python:3.11', 'https://index.docker.io/v1/'],
  ['me/train', 'https://index.docker.io/v1/'],
  ['localhost/train', 'localhost'],
  ['localhost:5000/train:1', 'localhost:5000'],
  ['registry.example/team/train@sha256:0', 'registry.example'],
])('%s comes from %s', (image, registry) => {
  expect(findRegistry(image)).toBe(registry);
});

describe('what docker login has kept', () => {
  let folder: string;
  const find = (image: string) =>
    findCredentials(image, { DOCKER_CONFIG: folder, PATH: `${folder}:${process.env.PATH}` });

  beforeAll(async () => {
    folder = await mkdtemp(join(testCache, 'credentials-'));
    const auth = Buffer.from('me:pass:word').toString('base64');
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({
        auths: {
          'https://index.docker.io/v1/': { auth },
          'https://old.example/v1/': { auth },
          'token.example': { identitytoken: 'it' },
        },
        credHelpers: { 'helped.example': 'test', 'broken.example': 'broken', 'odd.example': 'odd' },
      }),
    );
    await addProgram(
      'docker-credential-test',
      `read registry; echo "{\\"Username\\": \\"$registry\\", \\"Secret\\": \\"s\\"}"`,
    );
    await addProgram('docker-credential-odd', 'echo s3cret');
    await addProgram('docker-credential-broken', 'echo keychain is locked; exit 1');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function addProgram(name: string, script: string): Promise<void> {
    await writeFile(join(folder, name), `#!/bin/bash\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }

  test.each([
    ['train', { username: 'me', password: 'pass:word' }],
    ['old.example/train', { username: 'me', password: 'pass:word' }],
    ['token.example/train', { identitytoken: 'it' }],
    ['helped.example/train', { username: 'helped.example', password: 's' }],
  ])('for %s', async (image, credentials) => {
    expect(await find(image)).toMatchObject(credentials);
  });

  test('is nothing for another registry', async () => {
    expect(await find('other.example/train')).toBeUndefined();
  });

  test('a helper that fails is quoted', async () => {
    await expect(find('broken.example/train')).rejects.toThrow('keychain is locked');
  });

  test('a helper that answers something else is named, its answer is not shown', async () => {
    await expect(find('odd.example/train')).rejects.toSatisfy(
      (error: Error) =>
        error.message === '`docker-credential-odd get` did not answer in JSON' &&
        error.cause === undefined,
    );
  });
});
