/** GET and POST /api/v1/arming: who is armed, and orders to arm and disarm. */
import type { Request, RequestHandler, Router } from 'express';
import { z } from 'zod';
import { armingScopes, armingWays } from '../../domain/arming';
import type { ArmingPage } from '../console-api';
import type { RequestContext } from '../http-server';
import type { ConsoleServices } from './services';
import { idType, parse } from './validation';

const MOST_MINUTES = 366 * 1_440;

const armingBody = z
  .strictObject({
    subject: z.strictObject({ scope: z.enum(armingScopes), id: idType }),
    armed: z.boolean(),
    how: z.enum(armingWays).default('normal'),
    forMinutes: z.number().positive().max(MOST_MINUTES).optional(),
  })
  .refine(({ armed, how }) => armed || how === 'normal', '"how" belongs to arming only');

interface ArmingRouteParts {
  services: Pick<ConsoleServices, 'arming'>;
  context(request: Request): RequestContext;
  need(role: 'viewer' | 'operator'): RequestHandler;
}

export function addArmingRoutes(router: Router, { services, context, need }: ArmingRouteParts): void {
  const page = (): ArmingPage => ({ arming: services.arming.rows() });

  router.get('/arming', need('viewer'), (_request, response) => {
    response.json(page());
  });
  router.post('/arming', need('operator'), async (request, response) => {
    const { subject, armed, how, forMinutes } = parse(armingBody, request.body, 'body');
    const { identity } = context(request);
    await services.arming.order({
      subject,
      armed,
      how,
      // A programme logs in with a token of its own; console and command line have a person before them.
      source: identity?.via === 'bearer' ? 'api' : 'user',
      who: identity?.name ?? 'local',
      forMs: forMinutes === undefined ? null : Math.round(forMinutes * 60_000),
    });
    response.json(page());
  });
}
