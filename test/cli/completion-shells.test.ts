import { execFileSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installMissing, whyNoPackages } from '../setup/debian.ts';
import { bin, createRig } from './rig.ts';

/** Types into a real shell on a pseudo-terminal; answers fish, which asks what terminal this is. */
const TYPIST = `
import os, pty, signal, sys
signal.alarm(60)
keys, shell = sys.argv[1].encode().decode("unicode_escape"), sys.argv[2:]
pid, screen = pty.fork()
if pid == 0:
    os.execvp(shell[0], shell)
def read_until(end):
    seen = b""
    while end not in seen:
        chunk = os.read(screen, 4096)
        if b"\\x1b[c" in chunk or b"\\x1b[0c" in chunk:
            os.write(screen, b"\\x1b[?62;c")
        seen += chunk
    return seen
read_until(b"ready> ")
os.write(screen, keys.encode())
sys.stdout.write(read_until(b"<END>\\r\\n").decode(errors="replace"))
os.kill(pid, 9)
`;

const SHELLS: Readonly<Record<string, readonly string[]>> = {
  bash: ['bash', '--rcfile', 'bashrc', '-i'],
  zsh: ['zsh', '-i'],
  fish: ['fish', '--no-config', '-i', '-C', 'source fishrc'],
};

const START_FILES = {
  bashrc: "PS1='ready> '; source <(mlts completion bash)\n",
  '.zshrc': "PS1='ready> '; source <(mlts completion zsh)\n",
  fishrc: "mlts completion fish | source; function fish_prompt; echo -n 'ready> '; end\n",
  'bin/mlts': `#!/bin/sh\nexec ${bin} "$@"\n`,
  'settings.env': 'COLOUR=green\n',
  MLproject:
    'entry_points: {main: {parameters: {n_trees: int, data: path, quick: bool}, command: "true"}}\n',
};

const isThere = (program: string): boolean => {
  try {
    return execFileSync('which', [program]).length > 0;
  } catch {
    return false;
  }
};
const whyNoShell = (shell: string): string | undefined =>
  isThere(shell) ? undefined : whyNoPackages();

let rig: ReturnType<typeof createRig>;

beforeAll(async () => {
  if (whyNoPackages() === undefined) await installMissing({ zsh: 'zsh', fish: 'fish' });
  rig = createRig();
  await rig.write(START_FILES);
  await chmod(rig.path('bin/mlts'), 0o755);
  for (const line of [
    'registered-models create churn',
    'model-versions create churn --source s3://bucket/one',
    'model-versions transition-stage churn 1 Production',
    'registered-models set-alias churn best 1',
  ]) {
    expect(await rig.mlts(line.split(' '))).toMatchObject({ exitCode: 0 });
  }
  for (const name of ['my first', 'other']) {
    expect(await rig.mlts(['experiments', 'create', '-n', name])).toMatchObject({ exitCode: 0 });
  }
});
afterAll(() => rig[Symbol.asyncDispose]());

async function typeInto(shell: string, keys: string): Promise<string> {
  const { stdout } = await execa('python3', ['-c', TYPIST, keys, ...(SHELLS[shell] ?? [])], {
    cwd: rig.directory,
    env: {
      ...rig.env,
      PATH: `${rig.path('bin')}:${rig.env.PATH}`,
      ZDOTDIR: rig.directory,
      TERM: 'xterm',
      // npm sets it to vi, and zsh would then take keys as vi does.
      EDITOR: 'emacs',
      VISUAL: '',
    },
    extendEnv: false,
  });
  return stdout;
}

/** A word as the command prints it, behind whatever the shell sends to the terminal before its output. */
const PRINTED = /^(?:[^<\n]*\r)?<(.*)>\r?$/gm;

/** The words of the line that the shell made of `typed`: Ctrl-A puts a command before it that prints them. */
async function completeIn(shell: string, typed: string): Promise<readonly string[]> {
  const screen = await typeInto(shell, `${typed}\\x01printf "<%s>\\\\n" \\x05 END\\n`);
  const printed = [...screen.matchAll(PRINTED)].map(([, word]) => word ?? '');
  return printed.slice(1, -1);
}

describe.each(Object.keys(SHELLS))('%s', (shell) => {
  const reason = whyNoShell(shell);
  test.skipIf(reason !== undefined).each([
    { typed: 'mlts runs ge\\t', words: ['runs', 'get'] },
    {
      typed: 'mlts experiments get --experiment-n\\tmy\\t',
      words: ['experiments', 'get', '--experiment-name', 'my first'],
    },
    { typed: 'mlts experiments get -n "my\\t', words: ['experiments', 'get', '-n', 'my first'] },
    { typed: 'mlts runs search --view=del\\t', words: ['runs', 'search', '--view=deleted_only'] },
    { typed: 'mlts run . -P n_\\t7', words: ['run', '.', '-P', 'n_trees=7'] },
    { typed: 'mlts run . -P quick=F\\t', words: ['run', '.', '-P', 'quick=False'] },
    { typed: 'mlts run . -P data=sett\\t', words: ['run', '.', '-P', 'data=settings.env'] },
    { typed: 'mlts run . --env-file sett\\t', words: ['run', '.', '--env-file', 'settings.env'] },
    {
      typed: 'mlts models promote chu\\t--version \\t',
      words: ['models', 'promote', 'churn', '--version', '1'],
    },
    {
      typed: 'mlts artifacts download -u models:/ch\\tProd\\t',
      words: ['artifacts', 'download', '-u', 'models:/churn/Production'],
    },
    {
      typed: 'mlts artifacts download -u models:/churn@b\\t',
      words: ['artifacts', 'download', '-u', 'models:/churn@best'],
    },
  ])(`completes $typed (${reason ?? 'the real shell'})`, async ({ typed, words }) => {
    expect(await completeIn(shell, typed)).toEqual(words);
  });

  test.skipIf(reason !== undefined)('runs nothing of what is typed', async () => {
    await typeInto(
      shell,
      'mlts runs get $(touch pwned) `touch pwned` \\t\\x15printf "<%s>\\\\n" END\\n',
    );
    expect((await execa('ls', [rig.directory])).stdout).not.toContain('pwned');
  });
});
