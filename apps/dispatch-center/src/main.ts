import { processHost, runService } from '@heliograph/service';

const ROLES = ['api', 'worker'] as const;
const role = process.argv[2] ?? '';

switch (role) {
  case 'api': {
    const { startApi } = await import('./start-api.ts');
    await runService({ name: 'dispatch-center-api', start: startApi });
    break;
  }
  case 'worker': {
    const { startWorker } = await import('./start-worker.ts');
    await runService({ name: 'dispatch-center-worker', start: startWorker });
    break;
  }
  default:
    processHost.writeLine(
      `dispatch-center: expected a role, one of ${ROLES.join(', ')}; for example: node dist/main.js api`,
    );
    processHost.exit(2);
}
