import { type ErrorCode, MltsError } from '../core/errors.ts';
import { BodyTooLarge } from '../http/incoming.ts';
import type { HttpAnswer } from '../http/server.ts';
import { answerJson } from './endpoint.ts';

interface Kind {
  readonly status: number;
  readonly sqlstate?: string;
  readonly errorClass?: string;
}

const WRONG = { sqlstate: 'KAM00' } as const;
const BROKEN = { sqlstate: 'XXM00', errorClass: 'CLIENT_INTERNAL_ERROR' } as const;

/** What MLflow's server adds to each code (`mlflow/exceptions.py`, `mlflow/error_classification.py`). */
const KINDS: Readonly<Record<ErrorCode, Kind>> = {
  BAD_REQUEST: { status: 400, errorClass: 'INVALID_PARAMETER_VALUE', ...WRONG },
  INVALID_PARAMETER_VALUE: { status: 400, errorClass: 'INVALID_PARAMETER_VALUE', ...WRONG },
  RESOURCE_ALREADY_EXISTS: { status: 400, errorClass: 'RESOURCE_ALREADY_EXISTS', ...WRONG },
  RESOURCE_DOES_NOT_EXIST: { status: 404, errorClass: 'RESOURCE_NOT_FOUND', ...WRONG },
  ENDPOINT_NOT_FOUND: { status: 404, errorClass: 'RESOURCE_NOT_FOUND', ...WRONG },
  PERMISSION_DENIED: { status: 403, errorClass: 'PERMISSION_DENIED', ...WRONG },
  UNAUTHENTICATED: { status: 401 },
  INVALID_STATE: { status: 500, ...BROKEN },
  INTERNAL_ERROR: { status: 500, ...BROKEN },
  TEMPORARILY_UNAVAILABLE: { status: 503, ...BROKEN },
  NOT_IMPLEMENTED: { status: 501 },
};

/** The one place where errors become answers: MLflow's body, and the status that its code stands for. */
export function answerError(error: unknown): HttpAnswer {
  const { code, message } =
    error instanceof MltsError
      ? error
      : new MltsError('INTERNAL_ERROR', 'an error inside of the server: its log says more');
  const { status, sqlstate, errorClass } = KINDS[code];
  return answerJson(error instanceof BodyTooLarge ? 413 : status, {
    error_code: code,
    message,
    ...(sqlstate === undefined ? {} : { sqlstate }),
    ...(errorClass === undefined ? {} : { error_class: errorClass }),
  });
}

export function answerUnknownEndpoint(path: string): HttpAnswer {
  return answerError(new MltsError('ENDPOINT_NOT_FOUND', `there is nothing at ${path}`));
}

export function answerWrongMethod(method: string, allowed: Iterable<string>): HttpAnswer {
  const allow = [...allowed].join(', ');
  const error = new MltsError('BAD_REQUEST', `${method} is not possible here: ${allow} is`);
  return { ...answerError(error), status: 405, headers: { allow } };
}
