import type { ChainHead } from '@heliograph/codec-audit';
import type { Clock, Logger } from '@heliograph/service';

/** How often the end of the audit log is logged while it grows. */
const EVERY_MS = 60_000;

/** Logs number and hash of the newest entry. */
export interface HeadReport {
  /** Takes the newest entry; it is logged at once, or a minute after the one before. */
  report(head: ChainHead): void;
  /** Logs the newest entry if it is not logged yet, and waits for none any more. */
  stop(): void;
}

/**
 * Reports number and hash of the newest entry, once a minute while there are new ones, and the last one at the latest a minute
 * after it came: where logs go elsewhere, the owner of the database cannot remove what they name.
 */
export function createHeadReport(logger: Logger, clock: Clock): HeadReport {
  const stopping = new AbortController();
  let newest: ChainHead | null = null;
  let isWaiting = false;
  /** Whether there was something to log. */
  const log = (): boolean => {
    if (newest === null) return false;
    const { sequence, hash } = newest;
    newest = null;
    logger.info(
      { sequence, hash: Buffer.from(hash).toString('hex') },
      'the audit log has grown up to this entry',
    );
    return true;
  };
  const logAndWait = async (): Promise<void> => {
    isWaiting = true;
    while (log()) await clock.sleep(EVERY_MS, stopping.signal);
    isWaiting = false;
  };
  return {
    report(head) {
      newest = head;
      if (stopping.signal.aborted) log();
      else if (!isWaiting) void logAndWait();
    },
    stop() {
      log();
      stopping.abort();
    },
  };
}
