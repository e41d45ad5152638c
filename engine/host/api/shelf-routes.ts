/** /api/v1/shelves: what operators hold back, for a time or until it has ended once. */
import type { Request, RequestHandler, Router } from 'express';
import { z } from 'zod';
import { LONGEST_SHELF_MS, shelfScopes } from '../../domain/shelves';
import type { ShelfPage } from '../console-api';
import type { RequestContext } from '../http-server';
import type { ConsoleServices } from './services';
import { idType, parse } from './validation';

const MOST_MINUTES = LONGEST_SHELF_MS / 60_000;

const shelfBody = z
  .strictObject({
    scope: z.enum(shelfScopes),
    id: idType,
    key: z.string().max(2_000).optional(),
    minutes: z.number().positive().max(MOST_MINUTES).optional(),
    oneShot: z.literal(true).optional(),
    reason: z
      .string()
      .max(500)
      .regex(/^\P{Cc}*$/u, 'control characters are not allowed')
      .default(''),
  })
  .refine((body) => (body.minutes === undefined) !== (body.oneShot === undefined), 'give either minutes or oneShot')
  .refine(
    (body) => (body.scope === 'condition') === (body.key !== undefined),
    'a condition, and nothing else, has a key',
  );

interface ShelfRouteParts {
  services: Pick<ConsoleServices, 'shelves'>;
  context(request: Request): RequestContext;
  need(role: 'viewer' | 'operator'): RequestHandler;
}

export function addShelfRoutes(router: Router, { services, context, need }: ShelfRouteParts): void {
  const who = (request: Request): string => context(request).identity?.name ?? 'local';
  const page = (): ShelfPage => ({ shelves: services.shelves.list() });

  router.get('/shelves', need('viewer'), (_request, response) => {
    response.json(page());
  });
  router.post('/shelves', need('operator'), async (request, response) => {
    const { scope, id, key, minutes, reason } = parse(shelfBody, request.body, 'body');
    const forMs = minutes === undefined ? null : Math.round(minutes * 60_000);
    await services.shelves.shelve(
      { scope, id, ...(key === undefined ? {} : { key }), forMs, reason: reason.trim() },
      who(request),
    );
    response.status(201).json(page());
  });
  router.delete('/shelves/:id', need('operator'), async (request, response) => {
    await services.shelves.unshelve(parse(idType, request.params.id, 'path'), who(request));
    response.json(page());
  });
}
