import { expect, test } from 'vitest';
import { createRig } from './rig.ts';

test('a version is promoted only with the tags that it must have', async () => {
  await using rig = createRig();
  const mlts = (line: string) => rig.mlts(line.split(' '));
  const stages = async () => {
    const { stdout } = await mlts('model-versions search -o json --order-by version_number');
    const versions = JSON.parse(stdout) as readonly Record<string, unknown>[];
    return versions.map((version) => [version.current_stage, version.aliases]);
  };
  await mlts('registered-models create churn');
  await mlts('model-versions create churn -s s3://bucket/1 -t checked=yes');
  await mlts('model-versions create churn -s s3://bucket/2 -t checked=no');
  const first = await mlts(
    'models promote churn --version 1 --to production --require-tag checked=yes',
  );
  expect(first).toMatchObject({
    exitCode: 0,
    stderr: 'version 1 of `churn` is in Production now\n',
  });
  const promote = 'models promote churn --version 2 --archive-existing --to Production';
  expect(await mlts(`${promote} --require-tag checked=yes`)).toMatchObject({
    exitCode: 3,
    stderr: expect.stringMatching(/tag `checked` is `no`\nhint: /),
  });
  expect(await mlts(`${promote} --require-tag a=b`)).toMatchObject({
    exitCode: 3,
    stderr: expect.stringMatching(/tag `a` is missing/),
  });
  expect(await stages()).toEqual([
    ['Production', []],
    ['None', []],
  ]);
  expect(await mlts(promote)).toMatchObject({ exitCode: 0 });
  expect(await mlts('models promote churn --version 1 --to @champion')).toMatchObject({
    exitCode: 0,
  });
  expect(await stages()).toEqual([
    ['Archived', ['champion']],
    ['Production', []],
  ]);
  expect(await mlts('models promote churn --version 3 --to Staging')).toMatchObject({
    exitCode: 1,
  });
  expect(await mlts('models promote churn --version 1 --to Archived')).toMatchObject({
    exitCode: 2,
  });
});
