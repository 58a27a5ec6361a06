import { execa } from 'execa';
import { expect, test } from 'vitest';
import { bin, createRig } from './rig.ts';
import { readOnlyRun } from './store.ts';

/** Types into the program on a real pseudo-terminal and prints what a person would have seen. */
const TYPIST = `
import os, pty, select, sys, time
answers = sys.argv[1].encode().decode("unicode_escape").split("|")
prompts = sys.argv[2].split("|")
pid, screen = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
seen = b""
while True:
    try:
        chunk = os.read(screen, 4096)
    except OSError:
        break
    if not chunk:
        break
    seen += chunk
    if prompts and prompts[0].encode() in seen:
        prompts.pop(0)
        os.write(screen, answers.pop(0).encode())
_, status = os.waitpid(pid, 0)
sys.stdout.write(seen.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(status))
`;

async function typeInto(
  rig: ReturnType<typeof createRig>,
  exchange: { readonly prompts: string; readonly answers: string },
  project = 'p',
) {
  const words = ['run', project, '--env-manager', 'local'];
  const { NO_COLOR: _off, ...env } = rig.env;
  return execa('python3', ['-c', TYPIST, exchange.answers, exchange.prompts, bin, ...words], {
    cwd: rig.directory,
    env: { ...env, TERM: 'xterm' },
    extendEnv: false,
    reject: false,
  });
}

test('a command may ask its user on the terminal', async () => {
  await using rig = createRig();
  await rig.write({
    'p/MLproject':
      'entry_points: {main: {command: "read -p \\"name? \\" name; echo hello $name"}}\n',
  });
  const { stdout, exitCode } = await typeInto(rig, { prompts: 'name? ', answers: 'Ada\\n' });
  expect(stdout).toContain('hello Ada');
  expect(exitCode).toBe(0);
});

// The command is shown before it starts: `re''ady` is `ready` only when the shell has said it.
test('Ctrl-C reaches the command once, and the run ends KILLED', async () => {
  await using rig = createRig();
  await rig.write({
    'p/MLproject':
      "entry_points: {main: {command: \"trap 'echo caught; exit 0' INT; echo re''ady; while true; do sleep 0.1; done\"}}\n",
  });
  const { stdout, exitCode } = await typeInto(rig, { prompts: 'ready', answers: '\\x03' });
  expect(stdout.match(/caught\r?\n/g)).toHaveLength(1);
  expect(exitCode).toBe(130);
  expect(readOnlyRun(rig.path('mlflow.db')).status).toBe('KILLED');
});

test('long work on a terminal that has no size is told in plain lines', async () => {
  await using rig = createRig();
  await rig.write({ 'p/MLproject': 'entry_points: {main: {command: "echo ran"}}\n' });
  const git = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main'];
  for (const words of [
    ['init', '-q'],
    ['add', '-A'],
    ['commit', '-qm', 'one'],
  ]) {
    await execa('git', [...git, ...words], { cwd: rig.path('p') });
  }
  const uri = `git+file://${rig.path('p')}`;
  const { stdout, exitCode } = await typeInto(rig, { prompts: 'never', answers: '' }, uri);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^fetching .*\r\n/m);
  expect(stdout).toContain('ran');
});

test('colours are for terminals', async () => {
  await using rig = createRig();
  await rig.write({ 'p/MLproject': 'entry_points: {main: {command: "exit 3"}}\n' });
  const onTerminal = await typeInto(rig, { prompts: 'never', answers: '' });
  expect(onTerminal.stdout).toContain('\u001b[31merror:');
  const piped = await rig.mlts(['run', 'p', '--env-manager', 'local']);
  expect(piped.stderr).not.toContain('\u001b');
});
