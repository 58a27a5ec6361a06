import { ToolError } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import { streamTool } from '../host/tool.ts';

/** One call of a tool (uv, pip, pyenv, conda) as part of a longer work. */
export interface ToolStep {
  /** What it does, for people: `Installing dependencies`. */
  readonly title: string;
  readonly file: string;
  readonly args: readonly string[];
}

/** Runs a step to its end. @throws ToolError with the tool's own last lines where it fails. */
export type RunStep = (step: ToolStep) => Promise<void>;

export interface StepSurroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Changes the text of the progress that is shown. */
  readonly update: (text: string) => void;
}

/** Makes the function that runs steps: each line of a tool is shown while it works, and its last ones if it fails. */
export function createStepRunner(surroundings: StepSurroundings): RunStep {
  const { update, ...options } = surroundings;
  return async ({ title, file, args }) => {
    update(title);
    const said: string[] = [];
    const onLine = (line: string): void => {
      if (line.trim() === '') return;
      said.push(line);
      update(`${title}: ${shorten(line.trim())}`);
    };
    const exitCode = await streamTool(file, args, options, onLine);
    if (exitCode !== 0) throw explainFailure(title, said, exitCode);
  };
}

const LONGEST_LINE = 70;
const LAST_LINES = 10;

function shorten(line: string): string {
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 1)}…` : line;
}

function explainFailure(title: string, said: readonly string[], exitCode: number): ToolError {
  const end = exitCode === -1 ? 'was ended by a signal' : `failed (${exitCode})`;
  const lines = said.slice(-LAST_LINES).map((line) => `  ${redactUrls(line)}`);
  return new ToolError([`${title} ${end}${lines.length > 0 ? ':' : ''}`, ...lines].join('\n'), {
    stderr: redactUrls(said.join('\n')),
    hint: findHint(said.join('\n')),
  });
}

/** What tools say when they fail, and what helps; the first that matches counts. */
const HINTS: readonly (readonly [said: RegExp, hint: string])[] = [
  [
    /no space left on device|disk quota exceeded/i,
    'free some disk space, or set MLFLOW_ENV_ROOT to a folder on another disk',
  ],
  [
    /ensurepip is not\s+available|No module named '?(venv|ensurepip)/i,
    'this Python has no `venv`: install `python3-venv`, or install uv (`pip install uv`)',
  ],
  [
    /No module named '?pip\b/i,
    'this environment was made without pip: install uv (`pip install uv`), which needs none',
  ],
  [
    /dns error|failed to lookup address|name resolution|connection (refused|reset)|timed out|error sending request|network is unreachable/i,
    'the package index cannot be reached: check the network, a proxy (HTTPS_PROXY) or the index URL',
  ],
  [
    /no solution found|not found in the package registry|no matching distribution|could not find a version|resolutionimpossible/i,
    'correct the names and versions in the environment file, or ask for another Python',
  ],
  [
    /failed to build|build_ext|subprocess-exited-with-error|building wheel/i,
    'a package has no ready build for this Python: ask for a version that has one, or install its build tools',
  ],
];

function findHint(said: string): string | undefined {
  return HINTS.find(([pattern]) => pattern.test(said))?.[1];
}
