import { describe, expect, test } from 'vitest';
import { createRedactor, redactUrls } from '../../src/core/redact.ts';

describe('redactUrls', () => {
  test.each([
    ['https://ann:pw@host/x', 'https://ann:****@host/x'],
    ['https://token@host/x', 'https://****@host/x'],
    ['ssh://git@host/x', 'ssh://git@host/x'],
    ['https://ann:p@ss@host/x', 'https://ann:****@host/x'],
    ["https://ann:it's@host/x", 'https://ann:****@host/x'],
    ['https://host/a and me@example.org', 'https://host/a and me@example.org'],
    ['https://host:80/a@b', 'https://host:80/a@b'],
    ['"https://a.example","me@example.org"', '"https://a.example","me@example.org"'],
    ['postgresql://host/db?user=ann&password=pw', 'postgresql://host/db?user=ann&password=****'],
    [
      'https://b.example/x.zip?X-Amz-Signature=ab&v=1#d',
      'https://b.example/x.zip?X-Amz-Signature=****&v=1#d',
    ],
    ['https://b.example/x?sv=1&sig=a%2F', 'https://b.example/x?sv=1&sig=****'],
    ['https://b.example/x?private_token=glpat', 'https://b.example/x?private_token=****'],
    ['https://b.example/x?page_token_size=3', 'https://b.example/x?page_token_size=3'],
  ])('%s', (text, shown) => {
    expect(redactUrls(text)).toBe(shown);
  });

  test.each(['a.', 'http://a:', '?a=', '//', 'http://a:b'])(
    'reads a long text of %s once only',
    (part) => {
      const text = part.repeat(200_000);
      expect(redactUrls(text)).toBe(text);
    },
  );
});

test('masks the values of secret variables, whatever they begin with, but no paths', () => {
  const redact = createRedactor({
    AWS_SECRET_ACCESS_KEY: '/abc+def/ghi',
    GOOGLE_APPLICATION_CREDENTIALS: '/home/ann/key.json',
    MLFLOW_TRACKING_TOKEN: 'a-token',
    AWS_SHARED_CREDENTIALS_FILE: '/home/ann/.aws/credentials',
  });
  expect(redact('/abc+def/ghi a-token /home/ann/key.json /home/ann/.aws/credentials')).toBe(
    '**** **** /home/ann/key.json /home/ann/.aws/credentials',
  );
});
