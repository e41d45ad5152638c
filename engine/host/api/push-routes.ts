/** /api/v1/push: the browsers in which people have switched notifications on. */
import { ECDH } from 'node:crypto';
import type { Request, RequestHandler, Router } from 'express';
import { z } from 'zod';
import { userError } from '../../domain/errors';
import type { PushPage } from '../console-api';
import type { RequestContext } from '../http-server';
import type { ConsoleServices } from './services';
import { idType, parse } from './validation';

/** RFC 8291 §3.2: an uncompressed point of P-256. */
function isPublicKey(text: string): boolean {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== 65 || bytes[0] !== 4) return false;
  try {
    ECDH.convertKey(bytes, 'prime256v1');
    return true;
  } catch {
    // No point of the curve.
    return false;
  }
}

const subscriptionBody = z.strictObject({
  endpoint: z.string().min(1).max(2_048),
  p256dh: z
    .string()
    .regex(/^[\w-]{87}$/, 'base64url of 65 bytes is needed')
    .refine(isPublicKey, 'no public key of P-256'),
  auth: z.string().regex(/^[\w-]{22}$/, 'base64url of 16 bytes is needed'),
  browser: z
    .string()
    .trim()
    .min(1)
    .max(80)
    .regex(/^\P{Cc}*$/u, 'control characters are not allowed'),
});
const nothing = z.strictObject({}).optional();

interface PushRouteParts {
  services: Pick<ConsoleServices, 'push'>;
  context(request: Request): RequestContext;
  need(role: 'viewer'): RequestHandler;
}

export function addPushRoutes(router: Router, { services: { push }, context, need }: PushRouteParts): void {
  const user = (request: Request): string => context(request).identity?.name ?? 'local';
  const isAdministrator = (request: Request): boolean => context(request).identity?.role === 'administrator';

  const page = async (request: Request): Promise<PushPage> => ({
    publicKey: await push.publicKey(),
    subscriptions: push.list().filter((one) => isAdministrator(request) || one.user === user(request)),
    user: user(request),
  });

  /** Whose it is not hears that there is none: who has subscribed is the administrators' to know. */
  function ownId(request: Request): string {
    const id = parse(idType, request.params.id, 'path');
    const mine = push.list().some((one) => one.id === id && (isAdministrator(request) || one.user === user(request)));
    if (!mine) throw userError('E_UNKNOWN_SUBSCRIPTION', 'This browser has no notifications switched on any more');
    return id;
  }

  router.get('/push', need('viewer'), async (request, response) => {
    response.json(await page(request));
  });
  router.post('/push/subscriptions', need('viewer'), async (request, response) => {
    await push.subscribe(parse(subscriptionBody, request.body, 'body'), user(request));
    response.status(201).json(await page(request));
  });
  router.delete('/push/subscriptions/:id', need('viewer'), async (request, response) => {
    await push.unsubscribe(ownId(request), user(request));
    response.json(await page(request));
  });
  router.post('/push/subscriptions/:id/test', need('viewer'), async (request, response) => {
    parse(nothing, request.body, 'body');
    response.json(await push.test(ownId(request)));
  });
}
