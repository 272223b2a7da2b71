import type { ChainHead } from '@heliograph/codec-audit';
import type { Clock, Logger } from '@heliograph/service';

/** How often the end of the audit log is logged while it grows. */
const EVERY_MS = 60_000;

/**
 * Logs number and hash of the newest entry, once a minute while there are new ones: where logs go elsewhere, the owner of the
 * database cannot remove what they name.
 */
export function createHeadReport(logger: Logger, clock: Clock): (head: ChainHead) => void {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return ({ sequence, hash }) => {
    if (clock.now() - reportedAt < EVERY_MS) return;
    reportedAt = clock.now();
    logger.info(
      { sequence, hash: Buffer.from(hash).toString('hex') },
      'the audit log has grown up to this entry',
    );
  };
}
