/** How people hear of what may be on where no device of the flow is any more: a pop-up that stands, and an event of ours. */
import type { Clock } from '../clock/clock';
import type { ReceivedEvent } from '../domain/devices';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import { outputWords } from '../domain/output-words';
import type { LeftOn } from '../domain/outputs';
import { type Popup, standingPopup } from '../domain/popups';
import type { Outputs, OutputsOptions } from '../outputs';
import type { Popups } from './popups';

export interface LeftOnNoticesParts {
  popups: Pick<Popups, 'show' | 'dismiss' | 'list'>;
  outputs: Pick<Outputs, 'acknowledgeLeftOn'>;
  /** An event of ours about a device, which may be gone from the flow. */
  receive(deviceId: string, received: ReceivedEvent): Promise<string>;
  clock: Clock;
  log: Log;
}

export interface LeftOnNotices extends NonNullable<OutputsOptions['leftOn']> {
  /** A person has closed a pop-up; of others than these it does nothing. */
  popupDismissed(popup: Pick<Popup, 'id'>, who: string): void;
}

const BY_ITSELF = 'alarmflow';

export function createLeftOnNotices(parts: LeftOnNoticesParts): LeftOnNotices {
  const { popups, outputs, clock, log } = parts;

  const failed = (what: string) => (thrown: unknown) => {
    log.error(what, { error: asAlarmflowError(thrown).message });
  };

  async function show(left: LeftOn): Promise<void> {
    const shown = await popups.show(popupOf(left, clock.now()), `${left.id}:${left.since}`, false);
    // Closed by somebody in the moment of a crash, which kept that from being told on.
    if (shown === 'closed') await outputs.acknowledgeLeftOn(left.id, 'somebody');
  }

  async function close(left: LeftOn): Promise<void> {
    if (popups.list().some(({ id }) => id === left.id)) await popups.dismiss(left.id, BY_ITSELF);
  }

  function event(left: LeftOn, phase: 'start' | 'stop'): void {
    const draft: ReceivedEvent['draft'] = {
      type: 'output-left-on',
      vendorType: 'left-on',
      phase,
      description: phase === 'start' ? `${sentence(left)}. ${left.reason}` : `${titleOf(left)} is seen to`,
      deviceTime: null,
      deviceAt: null,
      condition: left.id,
      raw: JSON.stringify({ kind: left.kind, output: left.output, host: left.place.host, port: left.place.port }),
    };
    const received = { draft, pictures: [], receivedAt: clock.now(), late: false, clockSuspect: false };
    parts.receive(left.deviceId, received).catch(failed('output.left-on-event-not-kept'));
  }

  return {
    stands(left, news) {
      show(left).catch(failed('output.left-on-not-shown'));
      if (news) event(left, 'start');
    },
    over(left) {
      close(left).catch(failed('output.left-on-not-closed'));
      if (left.told) event(left, 'stop');
    },
    popupDismissed({ id }, who) {
      if (who !== BY_ITSELF) outputs.acknowledgeLeftOn(id, who).catch(failed('output.left-on-not-seen'));
    },
  };
}

const popupOf = (left: LeftOn, at: number): Popup =>
  standingPopup(
    {
      id: left.id,
      nodeName: left.name,
      level: 'alarm',
      title: titleOf(left),
      text: `${sentence(left)}. ${left.reason}. Switch it off there by hand, then close this message.`,
    },
    at,
  );

const titleOf = ({ name, place }: LeftOn): string => `"${name}" at ${place.host}:${place.port} may still be on`;

const sentence = (left: LeftOn): string =>
  `Alarmflow switched on ${outputWords(left)} of "${left.place.deviceName}" at ${left.place.host}:${left.place.port}, where the flow has no such device any more, so nothing switches it off`;
