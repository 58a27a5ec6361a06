import { expect, test } from 'vitest';
import { parseAzureUri } from '../../src/artifacts/azure-client.ts';
import { openArtifactStore } from '../../src/artifacts/open.ts';
import { createTestContext } from '../setup/context.ts';

test.each([
  {
    uri: 'wasbs://lake@me.blob.core.windows.net/a/b%20c/',
    place: { kind: 'wasbs', account: 'me', host: 'me.blob.core.windows.net', prefix: 'a/b%20c' },
  },
  {
    uri: 'wasb://lake@me.blob.core.usgovcloudapi.net',
    place: { kind: 'wasbs', account: 'me', host: 'me.blob.core.usgovcloudapi.net', prefix: '' },
  },
  {
    uri: 'abfss://lake@me.dfs.core.windows.net/a/b%20c',
    place: { kind: 'abfss', account: 'me', host: 'me.blob.core.windows.net', prefix: 'a/b c' },
  },
  {
    uri: 'abfss://lake@me.privatelink.dfs.core.windows.net//a',
    place: { account: 'me', host: 'me.privatelink.blob.core.windows.net', prefix: 'a' },
  },
])('$uri', ({ uri, place }) => {
  expect(parseAzureUri(uri)).toMatchObject({ container: 'lake', ...place });
});

test.each([
  'wasbs://me.blob.core.windows.net/a',
  'wasbs://lake@me.blob.example.com/a',
  'wasbs://lake@/a',
  'abfss://me.dfs.core.windows.net/a',
])('%s is refused with the form', (uri) => {
  expect(() => parseAzureUri(uri)).toThrow(/does not name a container of Azure/);
});

test('a connection string that is none is told without being shown', async () => {
  const uri = 'wasbs://lake@me.blob.core.windows.net/a';
  const env = { AZURE_STORAGE_CONNECTION_STRING: 'AccountKey=topsecret' };
  await expect(openArtifactStore(uri, createTestContext({ env }), '')).rejects.toMatchObject({
    message: 'AZURE_STORAGE_CONNECTION_STRING is no connection string of Azure',
    hint: expect.not.stringContaining('topsecret'),
  });
});
