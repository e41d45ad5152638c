/** GET /api/v1/flow: what the editor has deployed, for a simulation beside it. It holds no passwords. */
import type { RequestHandler, Router } from 'express';
import type { ConsoleServices } from './services';

interface FlowRouteParts {
  services: Pick<ConsoleServices, 'flows'>;
  need(role: 'administrator'): RequestHandler;
}

export function addFlowRoutes(router: Router, { services, need }: FlowRouteParts): void {
  router.get('/flow', need('administrator'), async (_request, response) => {
    response.json({ flows: await services.flows() });
  });
}
