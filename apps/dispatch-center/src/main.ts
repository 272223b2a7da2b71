import { processHost } from '@heliograph/service';

const ROLES = ['api', 'worker'] as const;
const role = process.argv[2] ?? '';

switch (role) {
  case 'api': {
    const { runApi } = await import('./run-api.ts');
    await runApi();
    break;
  }
  case 'worker': {
    const { runWorker } = await import('./run-worker.ts');
    await runWorker();
    break;
  }
  default:
    processHost.writeLine(
      `dispatch-center: expected a role, one of ${ROLES.join(', ')}; for example: node dist/main.js api`,
    );
    processHost.exit(2);
}
