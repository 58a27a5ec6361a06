import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { describeRetry, MOST_RETRIES, waitMsOf } from './retry.ts';
import { DAMAGED } from './s3-error.ts';

type RetryStrategy = Exclude<NonNullable<S3ClientConfig['retryStrategy']>, { retry: unknown }>;
type RetryToken = Awaited<ReturnType<RetryStrategy['acquireInitialRetryToken']>>;

/** Tries again what the SDK holds for passing, and tells each time why; the SDK's own strategies are silent. */
export function createS3Retries(tell: (note: string) => void): RetryStrategy {
  return {
    acquireInitialRetryToken: async () => createToken(0),
    async refreshRetryTokenForRetry(token, { errorType, error }) {
      const retry = token.getRetryCount() + 1;
      const isPassing =
        errorType === 'TRANSIENT' || errorType === 'THROTTLING' || DAMAGED.has(error?.name ?? '');
      if (!isPassing || retry > MOST_RETRIES) throw error ?? new Error('not to be tried again');
      tell(describeRetry(retry, `S3 failed (${error?.message || error?.name})`));
      return createToken(retry);
    },
    recordSuccess: () => {},
  };
}

function createToken(retry: number): RetryToken {
  return {
    getRetryCount: () => retry,
    getRetryDelay: () => (retry === 0 ? 0 : waitMsOf(retry)),
  };
}
