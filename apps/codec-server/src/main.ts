import { processHost } from '@heliograph/service';

const ROLES = ['api', 'maintenance'] as const;
const role = process.argv[2] ?? '';

switch (role) {
  case 'api': {
    const { runApi } = await import('./run-api.ts');
    await runApi();
    break;
  }
  case 'maintenance': {
    const { runMaintenance } = await import('./run-maintenance.ts');
    await runMaintenance();
    break;
  }
  default:
    processHost.writeLine(
      `codec-server: expected a role, one of ${ROLES.join(', ')}; for example: node dist/main.js api`,
    );
    processHost.exit(2);
}
