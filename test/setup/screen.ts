import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { ensureMlflow } from './mlflow.ts';

/** Runs a program on a pseudo-terminal of 20 rows and 60 columns and draws what a person sees, again and again. */
const WATCHER = `
import fcntl, json, os, pty, struct, sys, termios
import pyte
screen = pyte.HistoryScreen(60, 20, history=1000)
stream = pyte.ByteStream(screen)
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
feet = []
while True:
    try:
        chunk = os.read(terminal, 65536)
    except OSError:
        break
    if not chunk:
        break
    stream.feed(chunk)
    foot = screen.display[-1].rstrip()
    if not feet or feet[-1] != foot:
        feet.append(foot)
        with open(os.environ["FEET"], "a") as told:
            print(foot, file=told)
_, status = os.waitpid(pid, 0)
above = ["".join(line[column].data for column in range(60)).rstrip() for line in screen.history.top]
rows = above + [row.rstrip() for row in screen.display]
print(json.dumps({"rows": rows, "feet": feet, "exitCode": os.waitstatus_to_exitcode(status)}))
`;

export interface Watched {
  /** All that scrolled by and what stands on the screen at the end, without spaces at the ends of rows. */
  readonly rows: readonly string[];
  /** What stood in the last row, one after the other; the program finds it in the file that FEET names. */
  readonly feet: readonly string[];
  readonly exitCode: number;
}

/** A terminal emulator (Python's pyte) around a real program. */
export async function watchScreen(
  command: readonly string[],
  options: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<Watched> {
  const { python, bin } = await ensureMlflow();
  const folder = join(testCache, 'pyte-0.8.2');
  await once('pyte', async () => {
    if (existsSync(folder)) return;
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    const install = ['pip', 'install', '--quiet', '--python', python, '--target', partial];
    await execa(join(bin, 'uv'), [...install, 'pyte==0.8.2']);
    await rename(partial, folder);
  });
  const { stdout } = await execa(python, ['-c', WATCHER, ...command], {
    cwd: options.cwd,
    env: { ...options.env, TERM: 'xterm', PYTHONPATH: folder, FEET: join(options.cwd, 'feet') },
    extendEnv: false,
  });
  return JSON.parse(stdout) as Watched;
}
