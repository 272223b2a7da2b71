import * as v from 'valibot';
import { defineLongJob } from '../activities/define-long-job.ts';
import type { LongJobs } from './long-job-workflows.ts';

/** What a test does at each record of a job. */
export interface CountJobOptions {
  /** At the beginning of an attempt, with the record after which it resumes. */
  readonly onResume?: (after: number | null) => void;
  /** Before a record is saved. */
  readonly onRecord: (record: number, signal: AbortSignal) => Promise<void>;
  readonly stallAfterMs?: number;
}

/** A long job that counts, and saves each number. */
export function createCountJob({ onResume, onRecord, ...options }: CountJobOptions): LongJobs {
  return {
    count: defineLongJob(
      { cursor: v.object({ after: v.number() }), ...options },
      async (job, upTo: number) => {
        const after = job.resumed?.cursor?.after ?? 0;
        onResume?.(job.resumed?.cursor?.after ?? null);
        for (let record = after + 1; record <= upTo; record++) {
          await onRecord(record, job.signal);
          job.save({
            percent: (record / upTo) * 100,
            records: record,
            cursor: { after: record },
            statusUrl: 'https://jobs.example.com/1',
          });
        }
        return `counted from ${after} to ${upTo}`;
      },
    ),
  };
}
