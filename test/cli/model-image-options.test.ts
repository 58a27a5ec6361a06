import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createImageRig, tinyModel } from './tiny-model.ts';

describe('mlts models build-docker, before Docker is asked', () => {
  test.each([
    [['-m', 'model', '-n', 'Upper Case'], 1, '`Upper Case` is no name of an image'],
    [['-m', 'model', '--tag', 'a:b:c'], 1, '`a:b:c` is no name of an image'],
    [['-m', 'model', '--platform', 'windows/amd64'], 2, 'linux/amd64, linux/arm64'],
    [['--sbom', 'bom.json'], 2, '--sbom needs a model'],
    [['-m', 'model', '--sbom', 'none/bom.json'], 2, '--sbom: there is no folder '],
  ] as const)('%j is refused', async (args, exitCode, message) => {
    await using rig = createImageRig();
    await rig.write(tinyModel(['six']));
    const env = { DOCKER_HOST: `unix://${rig.path('none.sock')}` };
    const ended = await rig.mlts(['models', 'build-docker', ...args], { env });
    expect(ended).toMatchObject({ exitCode, stdout: '' });
    expect(ended.stderr).toMatch(/^error: .*\nhint: .*\n$/);
    expect(ended.stderr).toContain(message);
    expect(await readdir(rig.directory)).toEqual(['model']);
  });
});
