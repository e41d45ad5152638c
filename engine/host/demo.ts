/**
 * The demo site: two simulated cameras and a mail catcher on loopback, and the scenes that the console offers.
 * The flows reach them as they would reach real devices.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Clock } from '../clock/clock';
import type { Announce } from '../domain/announcements';
import { AlarmflowError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { MediaRecord, RecordReader, SettingsRecord } from '../domain/record';
import { type HikvisionSimulator as Simulator, startSimulator } from '../drivers';
import type { DemoScenes } from './console-api';
import { type MailCatcher, startMailCatcher } from './mail-catcher';

/** What a demo keeps over restarts, so that its flows find their devices again. */
interface DemoSetting {
  hallPort: number;
  yardPort: number;
  mailPort: number;
  password: string;
}

const SETTING = 'demo-site';
const LOOPBACK = '127.0.0.1';
const USER = 'admin';

/** Node ids of the demo's flow file (`flows/demo-site.json`). */
export const demoDevices = { hall: 'demo-hall', yard: 'demo-yard' } as const;

type Camera = keyof typeof demoDevices;

interface Scene {
  title: string;
  description: string;
  camera: Camera;
  request: Parameters<Simulator['fire']>[0];
}

const scenes: Record<string, Scene> = {
  'thermal-alarm': {
    title: 'Thermal alarm',
    description: 'The hall camera measures 71.5 °C for 8 s: siren, mail with picture, log',
    camera: 'hall',
    request: { scene: 'thermal-alarm', temperature: 71.5, lastMs: 8_000, pictures: 1 },
  },
  'line-crossing': {
    title: 'Line crossing',
    description: 'Somebody crosses the fence: floodlight, camera turns to its preset',
    camera: 'yard',
    request: { scene: 'line-crossing', target: 'human', rule: 1 },
  },
  'alarm-input': {
    title: 'Door opens',
    description: 'Alarm input 1 of the hall camera for 6 s: the siren again, held by two alarms if the hall is hot',
    camera: 'hall',
    request: { scene: 'alarm-input', input: 1, lastMs: 6_000 },
  },
  'disk-error': {
    title: 'Disk error',
    description: 'The yard camera reports a broken disk: mail to the technician',
    camera: 'yard',
    request: { scene: 'disk-error' },
  },
  'thermal-prealarm': {
    title: 'Pre-alarm (refused)',
    description: 'The trigger asks for the alarm level: see under "Events" why nothing fires',
    camera: 'hall',
    request: { scene: 'thermal-prealarm', temperature: 52.1 },
  },
};

export interface Demo {
  /** What the demo's flow file takes from the environment. */
  environment: Record<string, string>;
  /** Logins of the demo's devices by node id, for the first deploy. */
  credentials: Record<string, { user: string; password: string }>;
  scenes: { list(): DemoScenes['scenes']; fire(scene: string): Promise<void> };
  close(): Promise<void>;
}

/** Whether a former start has made this data folder a demo site. */
export async function isDemoSite(settings: SettingsRecord): Promise<boolean> {
  return (await settings.readSetting(SETTING)) !== null;
}

/** The flow file that the first start deploys. */
export async function readDemoFlow(projectRoot: string): Promise<unknown> {
  return JSON.parse(await readFile(join(projectRoot, 'flows', 'demo-site.json'), 'utf8'));
}

/** The demo's alert as curl takes it in the folder where the person is, in quotes where a shell needs them. */
export function demoAlertArgument(projectRoot: string, cwd: string): string {
  const file = `@${relative(cwd, join(projectRoot, 'flows', 'demo-alert.xml'))}`;
  return /^[\w@./+-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`;
}

/** Starts devices and mail catcher on the ports of the last time where they are free, on others where not. */
export async function startDemo(options: {
  store: SettingsRecord & RecordReader & { media: MediaRecord };
  announce: Announce;
  clock: Clock;
  log: Log;
}): Promise<Demo> {
  const { store, announce, clock, log } = options;
  const former = await store.readSetting<DemoSetting>(SETTING);
  const password = former?.password ?? randomBytes(9).toString('base64url');
  const opened: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.allSettled(opened.map((part) => part.close()));
  };

  const camera = (model: string, port: number): Promise<Simulator> =>
    startSimulator('hikvision', { host: LOOPBACK, port, user: USER, password, model });

  async function catcher(port: number): Promise<MailCatcher> {
    return await startMailCatcher({
      host: LOOPBACK,
      port,
      clock,
      log,
      async keep(mail) {
        const attachments = [];
        for (const { name, contentType, bytes } of mail.attachments)
          attachments.push({
            name,
            contentType,
            size: bytes.length,
            mediaId: await store.media.keep({ name, contentType, bytes }),
          });
        const kept = { ...mail, attachments };
        await store.keepMail(kept);
        announce({ kind: 'mail', data: kept });
      },
    });
  }

  try {
    const hall = await onPort(former?.hallPort, (port) => camera('thermal', port));
    opened.push(hall);
    const yard = await onPort(former?.yardPort, (port) => camera('camera', port));
    opened.push(yard);
    const mail = await onPort(former?.mailPort, catcher);
    opened.push(mail);
    const setting: DemoSetting = { hallPort: hall.port, yardPort: yard.port, mailPort: mail.port, password };
    await store.writeSetting(SETTING, setting);
    const cameras: Record<Camera, Simulator> = { hall, yard };
    const login = { user: USER, password };
    return {
      environment: {
        ALARMFLOW_DEMO_HALL_PORT: String(hall.port),
        ALARMFLOW_DEMO_YARD_PORT: String(yard.port),
        ALARMFLOW_DEMO_MAIL_PORT: String(mail.port),
      },
      credentials: { [demoDevices.hall]: login, [demoDevices.yard]: login },
      scenes: {
        list: () => Object.entries(scenes).map(([id, { title, description }]) => ({ id, title, description })),
        async fire(id) {
          const scene = Object.hasOwn(scenes, id) ? scenes[id] : undefined;
          if (!scene)
            throw userError(
              'E_UNKNOWN_SCENE',
              `The demo has no scene "${id.slice(0, 60)}"; it has: ${Object.keys(scenes).join(', ')}`,
            );
          await cameras[scene.camera].fire(scene.request);
        },
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The former port when it is still free, else any: somebody else may have taken it meanwhile. */
async function onPort<T>(former: number | undefined, open: (port: number) => Promise<T>): Promise<T> {
  if (former === undefined) return await open(0);
  try {
    return await open(former);
  } catch (error) {
    const taken = error instanceof AlarmflowError || (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!taken) throw error;
    return await open(0);
  }
}
