import { problem } from '@heliograph/service';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/** Limits how often each subject asks. */
export interface RateLimit {
  /**
   * Counts a request.
   *
   * @throws {RateLimited} when the subject has used up its minute.
   */
  count(subject: string): Promise<void>;
  /** Counts what a request that was let through has cost above one; it refuses the next ones. */
  charge(subject: string, cost: number): Promise<void>;
}

/** A refusal by the rate limit; `isFirst` in this minute. */
export class RateLimited extends Error {
  override readonly name = 'RateLimited';
  readonly retryAfterSeconds: number;
  readonly isFirst: boolean;

  constructor(retryAfterSeconds: number, isFirst: boolean) {
    super('too many requests');
    this.retryAfterSeconds = retryAfterSeconds;
    this.isFirst = isFirst;
  }

  toProblem(): Error {
    return problem(429, 'RATE_LIMITED', 'You asked too often. Try again later.', {
      retryAfterSeconds: this.retryAfterSeconds,
    });
  }
}

/** Creates a limit of this process; other instances count on their own. */
export function createRateLimit(requestsPerMinute: number): RateLimit {
  const limiter = new RateLimiterMemory({ points: requestsPerMinute, duration: 60 });
  // A charge leads past the limit by any number, so that the count does not tell which refusal is the first.
  const refusals = new RateLimiterMemory({ points: 1, duration: 60 });
  const isFirst = async (subject: string): Promise<boolean> => {
    const { consumedPoints } = await refusals.penalty(subject);
    return consumedPoints === 1;
  };
  return {
    async count(subject) {
      try {
        await limiter.consume(subject);
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        throw new RateLimited(Math.ceil(error.msBeforeNext / 1000), await isFirst(subject));
      }
    },
    async charge(subject, cost) {
      if (cost > 0) await limiter.penalty(subject, cost);
    },
  };
}
