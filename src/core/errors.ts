/**
 * Every error that mlts raises on purpose. The codes are MLflow's wire names
 * (`mlflow/protos/databricks.proto`, enum ErrorCode), so that a server can send them as they are.
 */
export type ErrorCode =
  | 'INVALID_PARAMETER_VALUE'
  | 'RESOURCE_DOES_NOT_EXIST'
  | 'RESOURCE_ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'UNAUTHENTICATED'
  | 'TEMPORARILY_UNAVAILABLE'
  | 'INVALID_STATE'
  | 'NOT_IMPLEMENTED'
  | 'BAD_REQUEST'
  | 'ENDPOINT_NOT_FOUND'
  | 'INTERNAL_ERROR';

export interface ErrorDetails {
  /** What the reader can do about it: one line, without a full stop. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The one base. `message` says what is wrong, with what value, where; the mend goes into `hint`. */
export class MltsError extends Error {
  override readonly name: string = 'MltsError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }

  /** What the process exits with when this error ends it. */
  get exitCode(): number {
    return 1;
  }
}

/** The command line itself is wrong: exit 2, as click does. */
export class UsageError extends MltsError {
  override readonly name = 'UsageError';

  constructor(message: string, details: ErrorDetails = {}) {
    super('INVALID_PARAMETER_VALUE', message, details);
  }

  override get exitCode(): number {
    return 2;
  }
}

export class InvalidInput extends MltsError {
  override readonly name: string = 'InvalidInput';

  constructor(message: string, details: ErrorDetails = {}) {
    super('INVALID_PARAMETER_VALUE', message, details);
  }
}

export class NotFound extends MltsError {
  override readonly name = 'NotFound';

  constructor(message: string, details: ErrorDetails = {}) {
    super('RESOURCE_DOES_NOT_EXIST', message, details);
  }
}

/** The API itself says that something is not there: a 404 of any other server is a plain `NotFound`. */
export class NotFoundByApi extends NotFound {}

export class AlreadyExists extends MltsError {
  override readonly name = 'AlreadyExists';

  constructor(message: string, details: ErrorDetails = {}) {
    super('RESOURCE_ALREADY_EXISTS', message, details);
  }
}

/** A program that mlts drives (git, uv, conda, docker) failed; `stderr` is what it said. */
export class ToolError extends MltsError {
  override readonly name = 'ToolError';
  readonly stderr: string;

  constructor(message: string, details: ErrorDetails & { readonly stderr?: string } = {}) {
    super('INTERNAL_ERROR', message, details);
    this.stderr = details.stderr ?? '';
  }
}

/** A store, daemon or server could not be reached, or went away. */
export class Unavailable extends MltsError {
  override readonly name = 'Unavailable';

  constructor(message: string, details: ErrorDetails = {}) {
    super('TEMPORARILY_UNAVAILABLE', message, details);
  }
}

/** The user's own command failed or was ended: mlts exits as it did (128+n for signal n). */
export class RunFailed extends MltsError {
  override readonly name = 'RunFailed';
  readonly #exitCode: number;

  constructor(message: string, exitCode: number, details: ErrorDetails = {}) {
    super('INVALID_STATE', message, details);
    this.#exitCode = exitCode;
  }

  override get exitCode(): number {
    return this.#exitCode;
  }
}

/** What was asked for first has to hold, and does not: a CI job tells it from other failures by exit 3. */
export class RequirementFailed extends MltsError {
  override readonly name = 'RequirementFailed';

  constructor(message: string, details: ErrorDetails = {}) {
    super('INVALID_STATE', message, details);
  }

  override get exitCode(): number {
    return 3;
  }
}

/** Several findings about one input, told together (all problems of an MLproject file). */
export class InvalidInputs extends InvalidInput {
  override readonly name = 'InvalidInputs';
  readonly problems: readonly MltsError[];

  constructor(problems: readonly MltsError[]) {
    super(problems.map((problem) => problem.message).join('\n'));
    this.problems = problems;
  }
}
