import { InvalidInput, MltsError, NotFound, ToolError, Unavailable } from '../../core/errors.ts';
import { Interrupted } from '../interrupts.ts';

/** What was being done to what: `{action: 'pull', subject: 'image python:3.11'}`. */
export interface DockerTask {
  readonly action: string;
  readonly subject: string;
}

interface DaemonFailure {
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly text: string;
}

/** Turns whatever dockerode or the daemon said into one clear line with its mend. */
export function explainDockerError(error: unknown, task: DockerTask): Error {
  if (error instanceof MltsError || error instanceof Interrupted) return error;
  const failure = readFailure(error);
  const known =
    explainConnection(failure, task, error) ??
    EXPLANATIONS.find(({ pattern }) => pattern.test(failure.text))?.explain(failure.text, task);
  if (known !== undefined) return known;
  const message = `Docker could not ${task.action} ${task.subject}: ${failure.text}`;
  if (failure.status === 404) return new NotFound(message, { cause: error });
  if (failure.status === 400) return new InvalidInput(message, { cause: error });
  return new ToolError(message, { cause: error });
}

/** dockerode's messages read `(HTTP code 404) no such container - the daemon's own words `. */
function readFailure(error: unknown): DaemonFailure {
  const { code, statusCode, message } = (error ?? {}) as {
    code?: string;
    statusCode?: number;
    message?: string;
  };
  const text = (message ?? String(error)).replace(/^\(HTTP code \d+\) [^-]* - /, '').trim();
  return { code, status: statusCode, text };
}

function explainConnection(
  failure: DaemonFailure,
  task: DockerTask,
  cause: unknown,
): MltsError | undefined {
  switch (failure.code) {
    case 'EACCES':
    case 'EPERM':
      return new MltsError('PERMISSION_DENIED', `no permission to use Docker at ${task.subject}`, {
        hint: 'join the group that may: `sudo usermod -aG docker $USER`, then log in again',
        cause,
      });
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EHOSTUNREACH':
    case 'ETIMEDOUT':
    case 'ABORT_ERR':
    case 'ENOTSOCK':
      return new Unavailable(`no Docker daemon answers: could not ${task.action} ${task.subject}`, {
        hint: 'start Docker (`sudo systemctl start docker`) or set DOCKER_HOST to where it listens',
        cause,
      });
    case 'ECONNRESET':
    case 'EPIPE':
      return new Unavailable(
        `the Docker daemon went away: could not ${task.action} ${task.subject}`,
        {
          hint: 'see the daemon’s log (`journalctl -u docker`), then run again',
          cause,
        },
      );
    default:
      return undefined;
  }
}

/** The mend where Docker's disk is full. */
export const FREE_SPACE = 'free space with `docker system prune`';

interface Explanation {
  readonly pattern: RegExp;
  explain(text: string, task: DockerTask): MltsError;
}

/** The daemon's words for common failures (`moby/moby`, runc), each with what the user can do. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    pattern: /no space left on device/i,
    explain: (_text, { action, subject }) =>
      new ToolError(`Docker could not ${action} ${subject}: its disk is full`, {
        hint: FREE_SPACE,
      }),
  },
  {
    pattern: /port is already allocated|address already in use/i,
    explain: (text) =>
      new InvalidInput(`a published port is in use: ${lastClause(text)}`, {
        hint: 'choose another with `-A publish=HOST:CONTAINER`',
      }),
  },
  {
    pattern: /could not select device driver|nvidia-container-cli/i,
    explain: (text) =>
      new InvalidInput(`Docker cannot give the container a GPU: ${text}`, {
        hint: 'install the NVIDIA Container Toolkit, or leave out `-A gpus`',
      }),
  },
  {
    pattern: /exec: "?(docker-init|catatonit)/i,
    explain: () =>
      new ToolError('Docker has no init program (docker-init) on this machine', {
        hint: 'install it (package `tini` or `docker-init`) or pass `-A init=false`',
      }),
  },
  {
    pattern: /exec: .*(not found|no such file)/i,
    explain: (text, { subject }) =>
      new NotFound(`the program to start is not in ${subject}: ${/exec: (.*)/.exec(text)?.[1]}`, {
        hint: 'the image needs `sh`; check `-A entrypoint` and the image',
      }),
  },
  {
    pattern:
      /invalid mount config|bind source path does not exist|invalid volume spec|mount path must be absolute|mount denied|error mounting/i,
    explain: (text) =>
      new InvalidInput(`a volume cannot be mounted: ${text}`, {
        hint: 'write volumes as /host/path:/container/path[:ro]',
      }),
  },
  {
    pattern: /unable to find user|no matching entries in passwd|no matching entries in group/i,
    explain: (text) =>
      new InvalidInput(`the image does not know the user: ${lastClause(text)}`, {
        hint: 'pass numbers: `-A user=1000:1000`',
      }),
  },
  {
    pattern: /no such image/i,
    explain: (_text, { subject }) => new NotFound(`${subject} is not on this machine`),
  },
  {
    pattern: /network .* not found/i,
    explain: (text) =>
      new InvalidInput(`${text}`, { hint: 'see `docker network ls`, or leave out `-A network`' }),
  },
  {
    pattern: /is already in use by container/i,
    explain: (text) =>
      new InvalidInput(text, { hint: 'choose another name, or remove that container' }),
  },
];

function lastClause(text: string): string {
  return text.split(': ').slice(-2).join(': ');
}
