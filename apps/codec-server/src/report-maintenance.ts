import type { KeyRing } from '@heliograph/codec/codecs';
import type { KeyUseReport } from '@heliograph/codec-maintenance';
import type { MaintenanceDependencies } from '@heliograph/codec-maintenance/activities';
import type { Logger, Telemetry } from '@heliograph/service';

type Listeners = Required<Pick<MaintenanceDependencies, 'onCollected' | 'onRotated' | 'onCounted'>>;

/** What maintenance did, as metrics and in the log. Key ids are no labels: whoever writes payloads chooses them. */
export function reportMaintenance({
  logger,
  meter,
  keys,
}: {
  readonly logger: Logger;
  readonly meter: Telemetry['meter'];
  readonly keys: Pick<KeyRing, 'domains' | 'activeKey'>;
}): Listeners {
  const stored = meter.createCounter('heliograph_codec_maintenance_stored', {
    description: 'Stored payloads by what maintenance did with them.',
  });
  const oldKeyUses = meter.createGauge('heliograph_codec_maintenance_old_key_uses', {
    description: 'Runs and schedules that name a key of a known domain that is not the active one.',
  });
  const plain = meter.createGauge('heliograph_codec_maintenance_plain', {
    description: 'Runs and schedules with a plain payload.',
  });
  return {
    onCollected: (result) => {
      stored.add(result.deleted, { outcome: 'deleted' });
      logger.info({ ...result }, 'stored payloads that no history names were deleted');
    },
    onRotated: ({ failed, ...counts }) => {
      for (const [outcome, count] of Object.entries(counts)) stored.add(count, { outcome });
      for (const count of Object.values(failed)) stored.add(count, { outcome: 'failed' });
      if (Object.keys(failed).length > 0)
        logger.warn({ failed }, 'stored payloads could not be encrypted anew; keep every key until they can');
    },
    onCounted: (report) => {
      oldKeyUses.record(countOldUses(report, keys));
      plain.record(report.plain);
      logger.info({ ...report }, 'runs and schedules were counted by the keys that their payloads name');
    },
  };
}

/** How many runs and schedules name a key that only decrypts. */
export function countOldUses(
  { keys: uses }: KeyUseReport,
  keys: Pick<KeyRing, 'domains' | 'activeKey'>,
): number {
  return uses
    .filter(
      ({ domain, keyId }) =>
        domain !== null && keys.domains.includes(domain) && !isActive(keys, domain, keyId),
    )
    .reduce((sum, use) => sum + use.uses, 0);
}

/** A domain whose keys only decrypt has no active one. */
function isActive(keys: Pick<KeyRing, 'activeKey'>, domain: string, keyId: string): boolean {
  try {
    return keys.activeKey(domain, 0).id === keyId;
  } catch {
    return false;
  }
}
