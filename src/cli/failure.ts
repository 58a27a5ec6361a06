import { InvalidInput, MltsError, NotFound, ToolError } from '../core/errors.ts';
import { EXIT_CODE_OF, Interrupted } from '../host/interrupts.ts';
import type { ProcessContext } from '../host/process-context.ts';

/** What is shown for any error; undefined for an interrupt, which its sender knows about. */
export function toMltsError(error: unknown, context: ProcessContext): MltsError | undefined {
  if (error instanceof NotFound && error.hint === undefined) return withHint(error);
  if (error instanceof MltsError) return error;
  if (error instanceof Interrupted || context.interrupts.signal.aborted) return undefined;
  const system = error as NodeJS.ErrnoException;
  return (
    fileSystemError(system) ??
    new MltsError('INTERNAL_ERROR', `this is a bug in mlts: ${system?.message ?? String(error)}`, {
      hint: context.debug
        ? 'please report it with the lines below'
        : 'run it again with --debug, and please report what it prints',
      cause: error,
    })
  );
}

/** A server says what is not there, and no more. */
function withHint({ message, cause }: NotFound): NotFound {
  return new NotFound(message, {
    hint: 'check the name or id, and which store MLFLOW_TRACKING_URI names',
    cause,
  });
}

/** 128+n when a signal ended us, else what the error says. */
export function exitCodeOf(error: unknown, failure: MltsError | undefined): number {
  if (failure !== undefined) return failure.exitCode;
  return error instanceof Interrupted ? EXIT_CODE_OF[error.signalName] : 130;
}

function fileSystemError(error: NodeJS.ErrnoException): MltsError | undefined {
  const place = error?.path === undefined ? '' : `: ${error.path}`;
  switch (error?.code) {
    case 'ENOSPC':
      return new ToolError(`no space left on the disk${place}`, {
        hint: 'free some space and run it again; nothing half-written is left behind',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new InvalidInput(`permission denied${place}`, {
        hint: 'check who owns it and who may write there',
        cause: error,
      });
    case 'EROFS':
      return new InvalidInput(`the file system is read-only${place}`, { cause: error });
    case 'EMFILE':
    case 'ENFILE':
      return new ToolError('too many open files', { hint: 'raise `ulimit -n`', cause: error });
    default:
      return undefined;
  }
}
