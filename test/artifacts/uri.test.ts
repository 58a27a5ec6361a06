import { describe, expect, test } from 'vitest';
import { resolveProxyUri, showUri, splitUri } from '../../src/artifacts/artifact-uri.ts';
import { parseModelUri } from '../../src/artifacts/model-uri.ts';
import { judgeS3Error } from '../../src/artifacts/s3-error.ts';
import { askPython } from '../setup/mlflow.ts';

const MODEL_URIS = [
  'models:/churn/3',
  'models:/churn/Production',
  'models:/churn/LATEST',
  'models:/churn@champion',
  'models:/a@b@champion',
  'models:/m-0123',
  'models:/churn/3x',
  'models:/',
  'models:churn/1',
  'models:/churn/ ',
  'models:/ /1',
  'models:/churn@',
];

describe('models:/ is read as MLflow reads it', async () => {
  const theirs = await askPython<Record<string, readonly (string | null)[] | null>>(
    `
import json, sys
from mlflow.store.artifact.utils.models import _parse_model_uri
def read(uri):
    try:
        return list(_parse_model_uri(uri))
    except Exception:
        return None
print(json.dumps({uri: read(uri) for uri in sys.argv[1:]}))`,
    MODEL_URIS,
  );

  test.each(MODEL_URIS)('%s', (uri) => {
    expect(readOurs(uri)).toEqual(theirs[uri]);
  });
});

/** As MLflow's tuple: id, name, version, stage, alias. */
function readOurs(uri: string): readonly (string | null)[] | null {
  try {
    const { model } = parseModelUri(uri);
    const { modelId, name, version, stage, alias } = {
      modelId: null,
      name: null,
      version: null,
      stage: null,
      alias: null,
      ...model,
    };
    return [modelId, name, version === null ? null : String(version), stage, alias];
  } catch {
    return null;
  }
}

const PROXIED = [
  ['mlflow-artifacts:/1/run/artifacts', 'http://host:5000'],
  ['mlflow-artifacts:/1/run/artifacts', 'https://host/prefix/'],
  ['mlflow-artifacts://other:80/1', 'http://host:5000'],
  ['mlflow-artifacts://other/1', 'https://host'],
  ['mlflow-artifacts:/1', 'sqlite:///x.db'],
  ['mlflow-artifacts://5000/1', 'http://host'],
] as const;

describe('mlflow-artifacts: is resolved as MLflow resolves it', async () => {
  const theirs = await askPython<readonly (string | null)[]>(
    `
import json, sys
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
def read(uri, tracking_uri):
    try:
        return MlflowArtifactsRepository.resolve_uri(uri, tracking_uri)
    except Exception:
        return None
print(json.dumps([read(*pair) for pair in json.loads(sys.argv[1])]))`,
    [JSON.stringify(PROXIED)],
  );

  test.each(PROXIED.map(([uri, tracking], index) => ({ uri, tracking, index })))(
    '$uri at $tracking',
    ({ uri, tracking, index }) => {
      const expected = theirs[index];
      if (expected === null) {
        expect(() => resolveProxyUri(uri, tracking)).toThrow();
      } else {
        const { base, path } = resolveProxyUri(uri, tracking);
        expect(`${base}/${path}`).toBe(expected);
      }
    },
  );
});

test.each([
  ['s3://bucket/a/b.csv', 's3://bucket/a/', 'b.csv'],
  ['s3://bucket/a/', 's3://bucket/', 'a'],
  ['s3://bucket', 's3://bucket', ''],
  ['mlflow-artifacts:/1/run', 'mlflow-artifacts:/1/', 'run'],
  ['http://h/x.csv?sig=1', 'http://h/x.csv?sig=1', ''],
  [
    'http://h/p/api/2.0/mlflow-artifacts/artifacts/1/a%20b/',
    'http://h/p/api/2.0/mlflow-artifacts/artifacts',
    '1/a b',
  ],
])('splitUri(%s)', (uri, base, path) => {
  expect(splitUri(uri)).toEqual({ base, path });
});

test.each([
  ['https://me:secret@h/x?X-Amz-Signature=1', 'https://me:****@h/x'],
  ['s3://bucket/what?.csv', 's3://bucket/what?.csv'],
])('showUri(%s)', (uri, shown) => {
  expect(showUri(uri)).toBe(shown);
});

test.each([
  [{ name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } }, 'RESOURCE_DOES_NOT_EXIST'],
  [{ name: 'NotFound', $metadata: { httpStatusCode: 404 } }, 'RESOURCE_DOES_NOT_EXIST'],
  [{ name: 'CredentialsProviderError' }, 'UNAUTHENTICATED'],
  [{ name: 'InvalidAccessKeyId', $metadata: { httpStatusCode: 403 } }, 'UNAUTHENTICATED'],
  [{ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }, 'PERMISSION_DENIED'],
  [{ name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } }, 'TEMPORARILY_UNAVAILABLE'],
  [{ name: 'Error', code: 'ECONNRESET' }, 'TEMPORARILY_UNAVAILABLE'],
  [{ name: 'SlowDown', $metadata: { httpStatusCode: 503 } }, 'TEMPORARILY_UNAVAILABLE'],
  [{ name: 'InvalidBucketName', $metadata: { httpStatusCode: 400 } }, 'INVALID_PARAMETER_VALUE'],
])('%j of S3 is %s', (failure, code) => {
  expect(judgeS3Error({ message: '', ...failure }, 's3://b/k').code).toBe(code);
});
