import type { StackEvent } from './server-spec.ts';

/** Gives the line that tells a person about an event; `undefined` for one that is not worth a line of its own. */
export function describeEvent(event: StackEvent): string | undefined {
  switch (event.kind) {
    case 'exited':
      return undefined;
    case 'restarted': {
      const where = event.port === undefined ? '' : ` on port ${event.port}`;
      return `${event.name} ended (${event.reason}) and was restarted${where} after ${(event.downMs / 1000).toFixed(1)} s`;
    }
    case 'restart-failing':
      // The first failures of a restart are often a port that is not free yet; later ones come every 10 s.
      return event.attempts < 3
        ? undefined
        : `${event.name} cannot be restarted (attempt ${event.attempts}, still trying): ${event.message}`;
    default:
      return undefined;
  }
}
