import type { Situation } from '../situation.ts';
import { createRouted, fire } from './routed.ts';

/** Situations in which the route itself is the reason. */
export const BY_ROUTE: readonly Situation[] = [
  {
    reason: 'matched',
    title: 'every notified issue has this one',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'matched');
      return { fingerprint: 'matched', eventId: await fire(ground, 'matched', routeId), routeId };
    },
  },
  {
    reason: 'not_matched',
    title: 'the query of the route does not match',
    async play(ground) {
      const query = 'severity:critical AND team:(billing OR search)';
      const routeId = await ground.createRoute('others', { query });
      return { fingerprint: 'unwanted', eventId: await ground.report('unwanted', 'firing'), routeId };
    },
  },
  {
    reason: 'route_disabled',
    title: 'the route is disabled',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'routeoff', { enabled: false });
      return { fingerprint: 'routeoff', eventId: await ground.report('routeoff', 'firing'), routeId };
    },
  },
  {
    reason: 'route_removed',
    title: 'the route was removed before',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'removed');
      await ground.removeRoute(routeId);
      return { fingerprint: 'removed', eventId: await ground.report('removed', 'firing'), routeId };
    },
  },
  {
    reason: 'route_unreadable',
    title: 'the stored query of the route no longer parses',
    async play(ground) {
      const { routeId } = await createRouted(ground, 'unreadable');
      const query = 'severity:(';
      await ground.sql`update dispatch.routes set query = ${query}, version = 2 where id = ${routeId}`;
      await ground.sql`
        insert into dispatch.route_history (route_id, version, name, query, enabled, connected_app_ids, max_signal_age_ms)
        select route_id, 2, name, ${query}, enabled, connected_app_ids, max_signal_age_ms
        from dispatch.route_history where route_id = ${routeId}`;
      return { fingerprint: 'unreadable', eventId: await ground.report('unreadable', 'firing'), routeId };
    },
  },
  {
    reason: 'query_too_complex',
    title: 'the query takes too many steps on a long annotation',
    async play(ground) {
      const routeId = await ground.createRoute('complex', {
        query: `annotation.dump:*${'a'.repeat(1000)}b*`,
      });
      const annotations = { dump: 'a'.repeat(32_000) };
      return { fingerprint: 'complex', eventId: await ground.write('complex', { annotations }), routeId };
    },
  },
  {
    reason: 'no_connected_app',
    title: 'the route has no connected app',
    async play(ground) {
      const routeId = await ground.createRoute('nobody', { connectedAppIds: [] });
      return { fingerprint: 'nobody', eventId: await ground.report('nobody', 'firing'), routeId };
    },
  },
  {
    reason: 'route_is_newer',
    title: 'the route was created after the scan',
    async play(ground) {
      const older = await ground.createRoute('older', { query: 'team:billing' });
      const eventId = await ground.report('newer', 'firing');
      await ground.untilShown({ fingerprint: 'newer', eventId, routeId: older }, { reason: 'not_matched' });
      const { routeId } = await createRouted(ground, 'newer');
      return { fingerprint: 'newer', eventId, routeId };
    },
  },
];
