import { processHost } from '@heliograph/service';

const ROLES = ['api'] as const;
const role = process.argv[2] ?? '';

switch (role) {
  case 'api': {
    const { runApi } = await import('./run-api.ts');
    await runApi();
    break;
  }
  default:
    processHost.writeLine(
      `codec-server: expected a role, one of ${ROLES.join(', ')}; for example: node dist/main.js api`,
    );
    processHost.exit(2);
}
