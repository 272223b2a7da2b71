import { dispatchOperations } from '@heliograph/dispatch-api';
import type { Explainer } from '@heliograph/dispatch-workflows/explain';
import { problem, type Edge } from '@heliograph/service';

/** `GET /api/v1/explain`: what was decided about an alert, and why. */
export function addExplainApi(edge: Edge, { explainer }: { readonly explainer: Explainer }): void {
  edge.route({
    ...dispatchOperations.explainAlert,
    handler: async ({ query: { at, ...question } }) => {
      const answer = await explainer.explain({
        ...question,
        at: at === undefined ? undefined : Date.parse(at),
      });
      if (answer === null) {
        throw problem(
          404,
          'DISPATCH_ALERT_UNKNOWN',
          'No issue of this alert was stored by then. Check fingerprint, time and event id.',
        );
      }
      return { status: 200, body: answer };
    },
  });
}
