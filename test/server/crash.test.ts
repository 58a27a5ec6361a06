import { expect, test } from 'vitest';
import { writeThroughCrashes } from '../setup/crash-load.ts';

test('64 clients at once, the server killed in between: nothing acknowledged is lost, nothing is half there', async () => {
  const report = await writeThroughCrashes({ clients: 64, kills: 3, seconds: 1 });
  expect(report).toMatchObject({ kills: 3, lost: [], torn: [], integrity: 'ok' });
  expect(report.acknowledged).toBeGreaterThan(0);
}, 120_000);
