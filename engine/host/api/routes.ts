/** Every route of `/api/v1` (types: console-api.ts). */
import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import { userError } from '../../domain/errors';
import { eventTypeWords } from '../../domain/event-words';
import { type Auth, roles, sessionCookie } from '../auth';
import type {
  ActionPage,
  AlarmDetails,
  AlarmPage,
  DemoScenes,
  EventPage,
  MailPage,
  Role,
  Session,
  Site,
  StreamMessage,
  Words,
} from '../console-api';
import type { RequestContext } from '../http-server';
import { addArmingRoutes } from './arming-routes';
import { addCaptureRoutes } from './capture-routes';
import { addDryRunRoutes } from './dry-run-routes';
import { addFlowRoutes } from './flow-routes';
import { addLogRoutes } from './log-routes';
import { addMediaRoutes } from './media-routes';
import { addPopupRoutes } from './popup-routes';
import { addPushRoutes } from './push-routes';
import type { ConsoleServices } from './services';
import { addShelfRoutes } from './shelf-routes';
import type { Streams } from './streams';
import { countType, idType, parse, switchType } from './validation';
import { addWhyRoutes } from './why-routes';

export interface RouteParts {
  services: ConsoleServices;
  auth: Auth;
  streams: Streams;
  sessionMs: number;
  siteRow(): Site;
  /** What the server found out about a request. */
  context(request: Request): RequestContext;
  /** Throws `E_NOT_LOGGED_IN` or `E_FORBIDDEN` (user) unless the caller has the role. */
  need(role: Role): (request: Request, response: Response, next: () => void) => void;
}

const statuses = ['queued', 'running', 'retrying', 'done', 'failed', 'expired', 'skipped'] as const;
const streamKinds = [
  'event',
  'decision',
  'alarm',
  'output',
  'device',
  'action',
  'mail',
  'site',
  'arming',
  'shelves',
  'popups',
] as const satisfies readonly StreamMessage['kind'][];

const eventQuery = z.strictObject({
  limit: countType(0, 1_000, 100),
  before: idType.optional(),
  after: idType.optional(),
  deviceId: idType.optional(),
  type: z.string().min(1).max(200).optional(),
  decisions: switchType.optional(),
  follow: switchType.optional(),
});
const alarmQuery = z.strictObject({
  live: switchType.default(true),
  limit: countType(1, 1_000, 100),
  before: idType.optional(),
  acknowledgedAs: z.literal('false-alarm').optional(),
});
const actionQuery = z.strictObject({
  status: z.enum(statuses).optional(),
  trouble: switchType.optional(),
  alarmId: idType.optional(),
  before: idType.optional(),
  limit: countType(1, 1_000, 100),
});
const limitQuery = z.strictObject({ limit: countType(1, 1_000, 100) });
const momentType = z
  .string()
  .regex(/^\d{1,15}$/, 'milliseconds since 1970')
  .transform(Number);
const auditQuery = z.strictObject({
  limit: countType(1, 1_000, 100),
  before: idType.optional(),
  after: idType.optional(),
  from: momentType.optional(),
  to: momentType.optional(),
  orders: switchType.optional(),
});
const streamQuery = z.strictObject({
  kinds: z
    .string()
    .max(200)
    .transform((text) => text.split(',').filter((part) => part !== ''))
    .pipe(z.array(z.enum(streamKinds)).min(1))
    .optional(),
});
const nothing = z.strictObject({}).optional();
const loginBody = z.strictObject({ name: z.string().min(1).max(200), password: z.string().min(1).max(1_000) });
const siteBody = z.strictObject({ armed: z.boolean() });
const acknowledgeBody = z.strictObject({ as: z.literal('false-alarm').optional() }).optional();
const modeBody = z.strictObject({ mode: z.enum(['auto', 'on', 'off']) });
const userBody = z.strictObject({
  name: z.string().min(1).max(200),
  role: z.enum(roles),
  password: z.string().min(1).max(1_000),
});
const userChange = z
  .strictObject({ role: z.enum(roles).optional(), password: z.string().min(1).max(1_000).optional() })
  .refine((change) => change.role !== undefined || change.password !== undefined, 'give a role, a password, or both');

const pathId = (request: Request, name = 'id'): string => parse(idType, request.params[name], 'path');

export function addRoutes(router: Router, parts: RouteParts): void {
  addSessionRoutes(router, parts);
  addRecordRoutes(router, parts);
  addOperatingRoutes(router, parts);
  addArmingRoutes(router, parts);
  addMediaRoutes(router, parts);
  addUserRoutes(router, parts);
  addFlowRoutes(router, parts);
  addWhyRoutes(router, parts);
  addShelfRoutes(router, parts);
  addPopupRoutes(router, parts);
  addPushRoutes(router, parts);
  addCaptureRoutes(router, parts);
  addDryRunRoutes(router, parts);
  const { services, need } = parts;
  if (services.log) addLogRoutes(router, { reader: services.log, need });
}

function addSessionRoutes(router: Router, { services, auth, context, sessionMs }: RouteParts): void {
  const sessionOf = (identity: RequestContext['identity']): Session => ({
    user: identity && identity.via !== 'open' ? { name: identity.name, role: identity.role } : null,
    open: auth.isOpen(),
    csrf: auth.csrf(identity),
    version: services.version,
    siteName: services.siteName,
    demo: services.demo,
  });

  router.get('/session', (request, response) => {
    response.json(sessionOf(context(request).identity));
  });

  router.post('/login', async (request, response) => {
    const { name, password } = parse(loginBody, request.body, 'body');
    const { peer, identity: former } = context(request);
    const identity = await auth.login(name, password, peer.address);
    // The session that the browser had before is of no more use to anybody.
    if (former?.via === 'cookie') await auth.logout(former);
    response.setHeader('set-cookie', sessionCookie(auth.cookieName, identity.token, peer.secure, sessionMs));
    response.json(sessionOf(identity));
  });

  router.post('/logout', async (request, response) => {
    const { peer, identity } = context(request);
    if (identity) await auth.logout(identity);
    response.setHeader('set-cookie', sessionCookie(auth.cookieName, null, peer.secure, 0));
    response.json(sessionOf(identity?.token ? null : identity));
  });
}

function addRecordRoutes(router: Router, { services, auth, streams, context, need }: RouteParts): void {
  const { reader } = services;

  const stillAllowed = (request: Request) => {
    const { peer } = context(request);
    return async () => (await auth.identify(request, peer)) !== null;
  };

  router.get('/events', need('viewer'), async (request, response) => {
    const { follow, ...query } = parse(eventQuery, request.query, 'query');
    if (!follow) {
      const events = query.limit === 0 ? [] : await reader.events(query);
      response.json({ events } satisfies EventPage);
      return;
    }
    if (query.before !== undefined)
      throw userError(
        'E_BAD_REQUEST',
        'The query of the request cannot be used: "before" and "follow" exclude each other',
      );
    await streams.followEvents(response, query, stillAllowed(request));
  });

  router.get('/events/:id', need('viewer'), async (request, response) => {
    const id = pathId(request);
    const found = await reader.event(id);
    if (!found) throw userError('E_UNKNOWN_EVENT', `There is no event "${id}"; it may be older than the record keeps`);
    response.json(found);
  });

  router.get('/alarms', need('viewer'), async (request, response) => {
    const alarms = await reader.alarms(parse(alarmQuery, request.query, 'query'));
    response.json({ alarms } satisfies AlarmPage);
  });

  router.get('/alarms/:id', need('viewer'), async (request, response) => {
    const id = pathId(request);
    const found = await reader.alarm(id);
    if (!found) throw userError('E_UNKNOWN_ALARM', `There is no alarm "${id}"; it may be older than the record keeps`);
    response.json({ ...found, media: found.media ?? [] } satisfies AlarmDetails);
  });

  router.get('/actions', need('viewer'), async (request, response) => {
    const actions = await reader.actions(parse(actionQuery, request.query, 'query'));
    response.json({ actions } satisfies ActionPage);
  });

  router.get('/mails', need('viewer'), async (request, response) => {
    const { limit } = parse(limitQuery, request.query, 'query');
    response.json({ mails: await reader.mails(limit) } satisfies MailPage);
  });

  router.get('/audit', need('administrator'), async (request, response) => {
    response.json({ audit: await reader.audit(parse(auditQuery, request.query, 'query')) });
  });

  router.get('/stream', need('viewer'), async (request, response) => {
    const { kinds } = parse(streamQuery, request.query, 'query');
    const last = request.headers['last-event-id'];
    const lastEventId = typeof last === 'string' && last !== '' ? parse(idType, last, 'path') : null;
    await streams.sendServerSentEvents(response, {
      kinds: kinds ?? null,
      lastEventId,
      stillAllowed: stillAllowed(request),
    });
  });
}

function addOperatingRoutes(router: Router, { services, context, need, siteRow }: RouteParts): void {
  const who = (request: Request): string => context(request).identity?.name ?? 'local';

  router.get('/site', need('viewer'), (_request, response) => {
    response.json(siteRow());
  });
  router.post('/site', need('operator'), async (request, response) => {
    const { armed } = parse(siteBody, request.body, 'body');
    await services.site.setArmed(armed, who(request));
    response.json(siteRow());
  });

  router.get('/words', need('viewer'), (_request, response) => {
    response.json({ types: eventTypeWords } satisfies Words);
  });
  router.get('/devices', need('viewer'), (_request, response) => {
    response.json({ devices: services.devices.rows() });
  });
  // The path holds the token that lets a device in: only those see it who may set devices up.
  router.get('/devices/:id/ingest', need('administrator'), async (request, response) => {
    response.json({ path: await services.devices.ingestPath(pathId(request, 'id')) });
  });

  router.get('/outputs', need('viewer'), (_request, response) => {
    response.json({ outputs: services.outputs.rows() });
  });
  router.post('/outputs/reset', need('operator'), async (request, response) => {
    parse(nothing, request.body, 'body');
    await services.outputs.resetAll(who(request));
    response.json({ outputs: services.outputs.rows() });
  });
  router.post('/outputs/:id/reset', need('operator'), async (request, response) => {
    parse(nothing, request.body, 'body');
    await services.outputs.reset(pathId(request), who(request));
    response.json({ outputs: services.outputs.rows() });
  });
  router.post('/outputs/:id/mode', need('operator'), async (request, response) => {
    const id = pathId(request);
    const { mode } = parse(modeBody, request.body, 'body');
    await services.outputs.setMode(id, mode, who(request));
    response.json({ outputs: services.outputs.rows() });
  });

  router.post('/alarms/:id/acknowledge', need('operator'), async (request, response) => {
    const { as } = parse(acknowledgeBody, request.body, 'body') ?? {};
    await services.alarms.acknowledge(pathId(request), who(request), as);
    response.json({});
  });
  router.post('/alarms/:id/reset', need('operator'), async (request, response) => {
    parse(nothing, request.body, 'body');
    await services.alarms.reset(pathId(request), who(request));
    response.json({});
  });

  router.post('/actions/:key/retry', need('operator'), async (request, response) => {
    parse(nothing, request.body, 'body');
    const key = pathId(request, 'key');
    const row = await services.retryAction(key);
    await services.audit({ who: who(request), action: 'action.retry', subject: key, detail: row.nodeName });
    response.json({ action: row });
  });

  router.get('/demo', need('viewer'), (_request, response) => {
    response.json({ scenes: services.demoScenes?.list() ?? [] } satisfies DemoScenes);
  });
  router.post('/demo/:scene', need('operator'), async (request, response) => {
    parse(nothing, request.body, 'body');
    const scene = pathId(request, 'scene');
    if (!services.demoScenes) throw userError('E_UNKNOWN_SCENE', 'This is no demo site: start with --demo to have one');
    await services.demoScenes.fire(scene);
    await services.audit({ who: who(request), action: 'demo.fire', subject: scene, detail: '' });
    response.json({});
  });
}

function addUserRoutes(router: Router, { auth, context, need }: RouteParts): void {
  const who = (request: Request): string => context(request).identity?.name ?? 'local';

  router.get('/users', need('administrator'), async (_request, response) => {
    response.json({ users: await auth.list() });
  });
  router.post('/users', need('administrator'), async (request, response) => {
    await auth.addUser(parse(userBody, request.body, 'body'), who(request));
    response.status(201).json({ users: await auth.list() });
  });
  router.patch('/users/:name', need('administrator'), async (request, response) => {
    await auth.changeUser(pathId(request, 'name'), parse(userChange, request.body, 'body'), who(request));
    response.json({ users: await auth.list() });
  });
  router.delete('/users/:name', need('administrator'), async (request, response) => {
    await auth.removeUser(pathId(request, 'name'), who(request));
    response.json({ users: await auth.list() });
  });
}
