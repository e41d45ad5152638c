/** /api/v1/popups: the messages that stand before every console. */
import type { Request, RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { PopupPage } from '../console-api';
import type { RequestContext } from '../http-server';
import { plainSecurityHeaders } from '../replies';
import type { ConsoleServices } from './services';
import { idType, parse } from './validation';

const acknowledgeBody = z.strictObject({ as: z.literal('false-alarm').optional() }).optional();
const nothing = z.strictObject({}).optional();
const stopType = z
  .string()
  .regex(/^\d{1,3}$/, 'the number of a stop is needed')
  .transform(Number);
/** What a browser shows as a picture. */
const pictureTypes = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/bmp']);

interface PopupRouteParts {
  services: Pick<ConsoleServices, 'popups'>;
  context(request: Request): RequestContext;
  need(role: 'viewer' | 'operator'): RequestHandler;
}

export function addPopupRoutes(router: Router, { services, context, need }: PopupRouteParts): void {
  const who = (request: Request): string => context(request).identity?.name ?? 'local';
  const page = (): PopupPage => ({ popups: services.popups.list() });
  const idOf = (request: Request): string => parse(idType, request.params.id, 'path');

  router.get('/popups', need('viewer'), (_request, response) => {
    response.json(page());
  });
  router.post('/popups/:id/acknowledge', need('operator'), async (request, response) => {
    const { as } = parse(acknowledgeBody, request.body, 'body') ?? {};
    await services.popups.acknowledge(idOf(request), who(request), as);
    response.json(page());
  });
  router.post('/popups/:id/close', need('operator'), async (request, response) => {
    parse(nothing, request.body, 'body');
    await services.popups.close(idOf(request), who(request));
    response.json(page());
  });
  // Only cameras that a message links can be asked for, and each once a second, however many consoles look.
  router.get('/popups/:id/tour/:stop', need('viewer'), async (request, response) => {
    const stop = parse(stopType, request.params.stop, 'path');
    const { contentType, bytes } = await services.popups.picture(idOf(request), stop);
    const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
    response.writeHead(200, {
      ...plainSecurityHeaders,
      'content-type': pictureTypes.has(type) ? type : 'application/octet-stream',
      'content-length': String(bytes.length),
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'no-store',
    });
    response.end(bytes);
  });
}
