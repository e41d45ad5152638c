/* Shows what the site pushes to this browser, also while no console is open. Keeps nothing and answers no requests. */

/** How long the last words of an alarm that is over stay. */
const LAST_WORDS_MS = 5_000;
const ICON = '/icon-192.png';
const answerTitles = { acknowledge: 'Acknowledge', snooze: 'Snooze', falseAlarm: 'False alarm' };

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

/** What a push says; what cannot be read is still told, for a browser must show something for every push. */
function read(event) {
  try {
    const payload = event.data.json();
    if (typeof payload.tag === 'string' && typeof payload.title === 'string') return payload;
  } catch {
    // Not ours, or of another version: told in plain words below.
  }
  return { kind: 'show', tag: 'alarmflow', id: '', title: 'Alarm', body: 'Open the console to see what has happened.' };
}

/** A picture is shown only to a browser that is logged in: what is answered with a refusal is left out. */
async function pictureOf(path) {
  if (typeof path !== 'string' || !path.startsWith('/api/v1/media/')) return {};
  try {
    const response = await fetch(path, { credentials: 'same-origin' });
    const type = response.headers.get('content-type') ?? '';
    return response.ok && type.startsWith('image/') ? { image: path } : {};
  } catch {
    // The site is not to be reached from here; its words have come all the same.
    return {};
  }
}

const linksOf = ({ links }) =>
  Object.fromEntries(
    Object.entries(links ?? {}).filter(([name, url]) => name in answerTitles && /^https?:\/\//.test(url)),
  );

async function show(payload) {
  const { tag, id, title, body, at, silent, stays, picture } = payload;
  const standing = await self.registration.getNotifications({ tag });
  const again = standing.some(({ data }) => data?.id === id);
  const links = linksOf(payload);
  await self.registration.showNotification(title, {
    tag,
    body,
    icon: ICON,
    badge: ICON,
    timestamp: at,
    silent: silent === true || again,
    renotify: silent !== true && !again,
    requireInteraction: stays === true,
    ...(await pictureOf(picture)),
    data: { id, links },
    actions: Object.keys(links).map((action) => ({ action, title: answerTitles[action] })),
  });
}

/** The alarm is over: what stood for it goes, after its last words, which browsers want to be shown. */
async function close(payload) {
  const { tag, id, title, body, at } = payload;
  const data = { id };
  await self.registration.showNotification(title, {
    tag,
    body,
    icon: ICON,
    badge: ICON,
    timestamp: at,
    silent: true,
    data,
  });
  await new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS));
  // What has come of the same alarm meanwhile stays.
  for (const standing of await self.registration.getNotifications({ tag }))
    if (standing.data?.id === id) standing.close();
}

self.addEventListener('push', (event) => {
  const payload = read(event);
  event.waitUntil(payload.kind === 'close' ? close(payload) : show(payload));
});

async function openConsole() {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const console = pages.find(({ url }) => new URL(url).pathname === '/');
  await (console ? console.focus() : self.clients.openWindow('/'));
}

self.addEventListener('notificationclick', (event) => {
  const { action, notification } = event;
  notification.close();
  const link = notification.data?.links?.[action];
  event.waitUntil(link ? self.clients.openWindow(link) : openConsole());
});
