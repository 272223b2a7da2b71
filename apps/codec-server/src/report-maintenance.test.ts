import { createKey, createKeyRing } from '@heliograph/codec/codecs';
import { createLogger, startTelemetry } from '@heliograph/service';
import { expect, test } from '@jest/globals';
import { countOldUses, reportMaintenance } from './report-maintenance.ts';

const keys = createKeyRing({
  dispatch: {
    active: createKey('k1', Buffer.alloc(32, 1)),
    others: [createKey('k0', Buffer.alloc(32, 2))],
  },
});
const report = {
  keys: [
    { domain: 'dispatch', keyId: 'k1', uses: 10 },
    { domain: 'dispatch', keyId: 'k0', uses: 3 },
    { domain: 'made-up', keyId: 'k0', uses: 100 },
    { domain: null, keyId: 'k0', uses: 50 },
  ],
  plain: 2,
  isOverflown: false,
};

test('uses of an old key are those of domains that the ring knows', () => {
  expect(countOldUses(report, keys)).toBe(3);
});

test('what maintenance did is in the metrics and in the log, without a key id as label', async () => {
  const lines: string[] = [];
  const telemetry = startTelemetry({ serviceName: 'codec-maintenance', version: '1' });
  const listeners = reportMaintenance({
    logger: createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } }),
    meter: telemetry.meter,
    keys,
  });
  listeners.onCollected({ owners: 3, disowned: 1, uncertain: 0, deleted: 2, orphans: 0 });
  listeners.onRotated({
    current: 1,
    reencrypted: 4,
    rewrapped: 2,
    gone: 0,
    foreign: 0,
    failed: { CODEC_CORRUPT: 1 },
  });
  listeners.onCounted(report);
  const text = await telemetry.prometheusText();
  expect(text).toMatch(/heliograph_codec_maintenance_stored_total\{[^}]*outcome="reencrypted"[^}]*\} 4/);
  expect(text).toMatch(/heliograph_codec_maintenance_stored_total\{[^}]*outcome="rewrapped"[^}]*\} 2/);
  expect(text).toMatch(/heliograph_codec_maintenance_stored_total\{[^}]*outcome="deleted"[^}]*\} 2/);
  expect(text).toMatch(/heliograph_codec_maintenance_stored_total\{[^}]*outcome="failed"[^}]*\} 1/);
  expect(text).toMatch(/heliograph_codec_maintenance_old_key_uses\S* 3/);
  expect(text).toMatch(/heliograph_codec_maintenance_plain\S* 2/);
  expect(text).not.toContain('k0');
  expect(lines.join('')).toContain('CODEC_CORRUPT');
  await telemetry.shutdown();
});
