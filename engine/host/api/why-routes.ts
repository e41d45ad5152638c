/** GET /api/v1/why…: one answer for an event, an alarm, or a supposed event of a trigger. */
import type { RequestHandler, Router } from 'express';
import { z } from 'zod';
import { parseIsoTime } from '../../clock/clock';
import type { WhyAnswer } from '../console-api';
import type { ConsoleServices } from './services';
import { idType, parse } from './validation';

/** Wall milliseconds, or ISO 8601. */
const momentType = z
  .string()
  .min(1)
  .max(40)
  .transform((text, context) => {
    const at = /^\d{1,15}$/.test(text) ? Number(text) : parseIsoTime(text);
    if (at !== null && at <= 8.64e15) return at;
    context.addIssue({ code: 'custom', message: 'an ISO 8601 time or milliseconds since 1970 are needed' });
    return z.NEVER;
  });
const whyQuery = z.strictObject({ trigger: idType, device: idType.optional(), at: momentType.optional() });

interface WhyRouteParts {
  services: Pick<ConsoleServices, 'why'>;
  need(role: 'viewer'): RequestHandler;
}

export function addWhyRoutes(router: Router, { services, need }: WhyRouteParts): void {
  router.get('/why/event/:id', need('viewer'), async (request, response) => {
    response.json((await services.why.event(parse(idType, request.params.id, 'path'))) satisfies WhyAnswer);
  });
  router.get('/why/alarm/:id', need('viewer'), async (request, response) => {
    response.json((await services.why.alarm(parse(idType, request.params.id, 'path'))) satisfies WhyAnswer);
  });
  router.get('/why', need('viewer'), async (request, response) => {
    response.json((await services.why.trigger(parse(whyQuery, request.query, 'query'))) satisfies WhyAnswer);
  });
}
