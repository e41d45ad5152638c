import { notSupported, ok, type RouteOf } from './answers';
import type { Resources } from './device-state';
import { responseStatus } from './documents';

const capability =
  '<?xml version="1.0" encoding="UTF-8"?><SubscribeEventCap version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">' +
  '<heartbeat min="1" max="20"/><format opt="xml,json"/><channelMode opt="all,list"/><eventMode opt="all,list"/><EventList>' +
  ['VMD', 'linedetection', 'fielddetection', 'TMA', 'TMPA', 'TDA', 'IO', 'diskerror', 'sparkDetection']
    .map((type) => `<Event><type>${type}</type></Event>`)
    .join('') +
  '</EventList></SubscribeEventCap>';

export const subscriptionRoutes: RouteOf<Resources>[] = [
  [
    /^GET \/ISAPI\/Event\/notification\/subscribeEventCap$/,
    (r, _p, at) => (at.subscribes ? { status: 200, type: 'application/xml', body: capability } : notSupported(r.url)),
  ],
  [
    /^PUT \/ISAPI\/Event\/notification\/unSubscribeEvent$/,
    (r, _p, at) => {
      const id = /[?&]ID=([^&]*)/.exec(r.url)?.[1] ?? '';
      at.command(`unsubscribe ${id}`);
      return at.subscribes
        ? ok(r.url)
        : { status: 404, type: 'application/xml', body: responseStatus(r.url, 4, 'Invalid Operation', 'notSupport') };
    },
  ],
];
