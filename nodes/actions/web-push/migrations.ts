import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  to: 'all',
  roles: ['operator', 'administrator'] as readonly string[],
  users: '',
  title: '',
  text: '',
  picture: true,
  links: false,
  urgency: 'high',
  ttl: 60,
  stays: true,
  silent: false,
  phases: ['raise', 'escalate', 'clear'] as readonly string[],
  interval: 0,
  intervalTell: 'next',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
