/** GET and POST /api/v1/dry-run: whether the site only writes down what it would do. */
import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import type { Role, Site } from '../console-api';
import type { RequestContext } from '../http-server';
import type { ConsoleServices } from './services';
import { parse } from './validation';

export interface DryRunRouteParts {
  services: Pick<ConsoleServices, 'site'>;
  siteRow(): Site;
  context(request: Request): RequestContext;
  need(role: Role): (request: Request, response: Response, next: () => void) => void;
}

const body = z.strictObject({ on: z.boolean() });

export function addDryRunRoutes(router: Router, { services, context, need, siteRow }: DryRunRouteParts): void {
  router.get('/dry-run', need('viewer'), (_request, response) => {
    response.json(siteRow().dryRun);
  });
  // Whoever switches this keeps every siren silent, or lets all of them loose.
  router.post('/dry-run', need('administrator'), async (request: Request, response) => {
    const { on } = parse(body, request.body, 'body');
    await services.site.setDryRun(on, context(request).identity?.name ?? 'local');
    response.json(siteRow().dryRun);
  });
}
