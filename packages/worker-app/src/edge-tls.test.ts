import { expect, test } from '@jest/globals';
import { ConfigError, createLogger, startTelemetry } from '@heliograph/service';
import { assertLoopback, edgeTls } from './edge-tls.ts';

const cert = { HELIOGRAPH_HTTP_TLS_CERT_FILE: '/tls.crt' };
const key = { HELIOGRAPH_HTTP_TLS_KEY_FILE: '/tls.key' };
const none = { HELIOGRAPH_HTTP_TLS_CERT_FILE: undefined, HELIOGRAPH_HTTP_TLS_KEY_FILE: undefined };

test('an edge serves https with both files, http without, and no half of a pair is ignored', async () => {
  const lines: string[] = [];
  const logger = createLogger({ name: 'app', destination: { write: (line) => void lines.push(line) } });
  const telemetry = startTelemetry({ serviceName: 'app', version: '1.0.0' });
  try {
    const surroundings = { logger, telemetry };
    expect(edgeTls(none, surroundings)).toBeUndefined();
    for (const half of [cert, key])
      expect(() => edgeTls({ ...none, ...half }, surroundings)).toThrow(ConfigError);
    const tls = edgeTls({ ...cert, ...key }, surroundings);
    expect(tls).toMatchObject({ certFile: '/tls.crt', keyFile: '/tls.key' });
    tls?.onChange?.(new Date(0));
    tls?.onProblem?.(new Error('not that of the certificate'));
    const metrics = await telemetry.prometheusText();
    for (const result of ['used', 'refused'])
      expect(metrics).toMatch(
        new RegExp(`http_server_tls_reloads_total\\{[^}]*result="${result}"[^}]*\\} 1`),
      );
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['info', 'error']);
  } finally {
    await telemetry.shutdown();
  }
});

test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('%s is loopback', (host) => {
  expect(() => assertLoopback(host)).not.toThrow();
});

test.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com'])('%s is for others too', (host) => {
  expect(() => assertLoopback(host)).toThrow('HELIOGRAPH_HTTP_HOST: another address than loopback needs');
});
