import { actionKind, readInterval, readPhases } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import { defaults, migrations } from './migrations';

const MOST_USERS = 100;
/** Four weeks, in minutes. */
const LONGEST_TTL_MINUTES = 40_320;

/** Only what the choice speaks of must be right: the others keep what was typed before. */
function readReceivers(fields: Fields): Record<string, unknown> {
  const to = fields.choice('to', 'To', ['all', 'roles', 'users'] as const);
  if (to === 'all') return { to };
  if (to === 'roles')
    return { to, roles: fields.choices('roles', 'Roles', ['viewer', 'operator', 'administrator'] as const) };
  return { to, users: fields.list('users', 'Users', { max: MOST_USERS, entryLength: 64, required: true }) };
}

export default defineNode(
  actionKind({
    type: 'alarmflow-web-push',
    title: 'Web push',
    action: 'web-push',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      return {
        name: fields.name('Web push'),
        deviceId: null,
        phases,
        interval: readInterval(fields),
        params: {
          phases,
          ...readReceivers(fields),
          title: fields.text('title', 'Title', { max: 500 }),
          text: fields.text('text', 'Text', { max: 4_000, lines: true }),
          picture: fields.flag('picture', 'Picture'),
          links: fields.flag('links', 'Answer links'),
          urgency: fields.choice('urgency', 'Urgency', ['very-low', 'low', 'normal', 'high'] as const),
          ttl: Math.round(fields.number('ttl', 'Kept for', { min: 0, max: LONGEST_TTL_MINUTES, unit: 'minutes' }) * 60),
          stays: fields.flag('stays', 'Stays'),
          silent: fields.flag('silent', 'Silent'),
        },
      };
    },
  }),
);
