import type { Environment, PreparedEnvironment } from './environment.ts';

/** The user's own surroundings: nothing is made, `python` is what PATH says, no tag is set (as in MLflow). */
export function createLocalEnvironment(): Environment {
  const prepared: PreparedEnvironment = {
    tags: [],
    launch: ({ shell, cwd, env }) => ({
      kind: 'process',
      file: 'bash',
      args: ['-c', shell],
      cwd,
      env,
    }),
  };
  return {
    check: async () => {},
    inspect: async () => ({
      manager: 'local',
      state: 'none',
      location: undefined,
      python: undefined,
      dependencies: [],
      warnings: [],
    }),
    prepare: async () => prepared,
  };
}
