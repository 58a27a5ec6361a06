import { join } from 'node:path';
import { ToolError } from '../core/errors.ts';
import { quoteForShell } from '../core/shell-word.ts';
import { removeFolder } from '../host/folders.ts';
import type { RunStep } from './tool-step.ts';

/** The two ways to make a virtual environment and to put packages into it. */
export interface PackageInstaller {
  /** Writes a path as the installer reads it in a requirements file. */
  readonly quote: (path: string) => string;
  create(folder: string, python: string, name: string): Promise<void>;
  install(folder: string, title: string, requirementsFile: string): Promise<void>;
}

const INDEX_FAILURE =
  /no solution found|not found in the|error sending request|failed to fetch|dns error/i;

export function createUvInstaller(
  uv: string,
  run: RunStep,
  warn: (text: string) => void,
): PackageInstaller {
  return {
    quote: (path) => path,
    async create(folder, python, name) {
      const create = (...options: readonly string[]) => {
        const args = ['venv', '--no-project', '--prompt', name, '--python', python, ...options];
        return run({ title: 'Making the environment', file: uv, args: [...args, folder] });
      };
      // Seeding takes pip from the index; where that has none the packages asked for may still be had.
      await create('--seed').catch(async (error: unknown) => {
        if (!(error instanceof ToolError && INDEX_FAILURE.test(error.stderr))) throw error;
        await removeFolder(folder);
        await create();
        warn('the package index did not provide pip: this environment has none');
      });
    },
    async install(folder, title, requirementsFile) {
      const args = ['pip', 'install', '--python', join(folder, 'bin', 'python')];
      await run({ title, file: uv, args: [...args, '-r', requirementsFile] });
    },
  };
}

export function createPipInstaller(run: RunStep): PackageInstaller {
  return {
    // pip reads option lines with Python's `shlex`.
    quote: quoteForShell,
    async create(folder, python, name) {
      const args = ['-m', 'venv', '--prompt', name, folder];
      await run({ title: 'Making the environment', file: python, args });
    },
    async install(folder, title, requirementsFile) {
      const args = ['-m', 'pip', 'install', '--disable-pip-version-check', '-r', requirementsFile];
      await run({ title, file: join(folder, 'bin', 'python'), args });
    },
  };
}
