import { join, relative } from 'node:path';
import type { AppDefinition, AppGround, Environment } from '@heliograph/stack';

/** The codec server on the embedded stack, with a policy that lets a developer read everything there, and its maintenance. */

/** The key of the developer, for those who share the stack's state. */
const DEVELOPER_KEY = 'codec-server-developer-key';
const developerKey = ({ secret }: AppGround): string => secret(DEVELOPER_KEY);

/** The key of someone who reads the audit log, and no payloads. */
const AUDITOR_KEY = 'codec-server-auditor-key';
const auditorKey = ({ secret }: AppGround): string => secret(AUDITOR_KEY);

/** Every app adds its domain to the one key ring; `maintenance` is this app's own. */
const sharedEnv = ({ keyRingFile }: AppGround): Environment => ({
  HELIOGRAPH_CODEC_KEYS_FILE: keyRingFile('maintenance'),
  // As for all apps that store payloads.
  HELIOGRAPH_CODEC_CLAIMS: 'postgres',
});

export default {
  name: 'codec-server',
  order: 20,
  processes: [
    {
      role: 'api',
      what: 'Codec server',
      args: ['dist/main.js', 'api'],
      httpPort: { name: 'CODEC_SERVER', preferred: 4700 },
      env: (ground) => ({
        ...sharedEnv(ground),
        HELIOGRAPH_CODEC_POLICY_FILE: 'demo/policy.yaml',
        HELIOGRAPH_CODEC_CALLERS: [
          `developer:${developerKey(ground)}:developer`,
          `auditor:${auditorKey(ground)}:auditor+audit:read`,
        ].join(','),
        // Where the Temporal CLI serves its UI by default.
        HELIOGRAPH_CODEC_ORIGINS: 'http://localhost:8233,http://127.0.0.1:8233,http://localhost:8080',
        HELIOGRAPH_DRAIN_MS: '0',
      }),
    },
    {
      role: 'maintenance',
      what: 'Codec server, maintenance',
      args: ['dist/main.js', 'maintenance'],
      httpPort: { name: 'CODEC_MAINTENANCE', preferred: 4701 },
      ports: { HELIOGRAPH_WORKER_METRICS_PORT: { name: 'CODEC_MAINTENANCE_METRICS', preferred: 4702 } },
      env: (ground) => ({ ...sharedEnv(ground), HELIOGRAPH_TEMPORAL_SETUP: 'true' }),
    },
  ],
  async demo({ root, directory, env, print, url }) {
    const keyFile = relative(root, join(directory, 'secrets', DEVELOPER_KEY));
    const address = env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '';
    print(
      `payloads are encrypted; to read them: temporal workflow show -w monitor-instances -n heliograph --address ${address} ` +
        `--codec-endpoint '${url('api')}/{namespace}' --codec-auth "Bearer $(cat ${keyFile})"`,
    );
    return { stop: async () => undefined };
  },
} satisfies AppDefinition;
