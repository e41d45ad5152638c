/** POST /api/v1/devices/:id/capture: what a device sends, as it comes. */
import type { Request, RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { CaptureLimits } from '../capture';
import { mostCaptured, usualCapture } from '../capture';
import type { RequestContext } from '../http-server';
import { plainSecurityHeaders } from '../replies';
import type { ConsoleServices } from './services';
import { idType, parse } from './validation';

const captureBody = z.strictObject({
  parts: z.number().int().min(1).max(mostCaptured.parts).default(usualCapture.parts),
  megabytes: z
    .number()
    .positive()
    .max(mostCaptured.bytes / (1 << 20))
    .default(usualCapture.bytes / (1 << 20)),
  seconds: z
    .number()
    .positive()
    .max(mostCaptured.forMs / 1_000)
    .default(usualCapture.forMs / 1_000),
});

interface CaptureRouteParts {
  services: Pick<ConsoleServices, 'capture' | 'audit'>;
  context(request: Request): RequestContext;
  need(role: 'administrator'): RequestHandler;
}

export function addCaptureRoutes(router: Router, { services, context, need }: CaptureRouteParts): void {
  router.post('/devices/:id/capture', need('administrator'), async (request, response) => {
    const id = parse(idType, request.params.id, 'path');
    const { parts, megabytes, seconds } = parse(captureBody, request.body ?? {}, 'body');
    const limits: CaptureLimits = { parts, bytes: Math.round(megabytes * (1 << 20)), forMs: seconds * 1_000 };
    const gone = new AbortController();
    const captured = await services.capture(id, limits, gone.signal);
    response.on('close', () => gone.abort());
    if (response.destroyed) gone.abort();
    const who = context(request).identity?.name ?? 'local';
    await services.audit({ who, action: 'device.capture', subject: id, detail: `${parts} parts, ${seconds} s` });
    response.writeHead(200, {
      ...plainSecurityHeaders,
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="capture"',
      'cache-control': 'no-store',
    });
    for await (const bytes of captured) {
      if (response.destroyed) break;
      if (!response.write(bytes))
        await new Promise<void>((resolve) => {
          response.once('drain', resolve);
          response.once('close', resolve);
        });
    }
    response.end();
  });
}
