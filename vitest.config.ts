import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/global.ts'],
    // On two cores: much of the time is waiting, for servers to start and for retries.
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 600_000,
    // Real servers on a busy machine fail now and then for reasons of their own; the report says `(retry x1)`.
    retry: 1,
    // The user's own MLFLOW_* settings must not steer a test; each test sets what it means.
    env: Object.fromEntries(
      Object.keys(process.env)
        .filter(
          (name) =>
            name.startsWith('MLFLOW_') || (name.startsWith('MLTS_') && name !== 'MLTS_TEST_ZOO'),
        )
        .map((name) => [name, '']),
    ),
  },
});
