import { expect, it } from 'vitest';
import type { EventDraft } from '../../../engine/domain/events';
import { defaultPolicy } from '../../../engine/domain/triggers';
import type { OnvifChannel } from '../../../engine/drivers/onvif/channel-map';
import { createReader } from '../../../engine/drivers/onvif/reader';
import { alarmKey } from '../../../engine/gates/key';

const channel = (number: number, token: string): OnvifChannel => ({
  channel: number,
  name: '',
  sourceToken: token,
  profileToken: `P${number}`,
  ptzProfileToken: null,
  tokens: new Set([token]),
});

const message = (token: string, state: boolean): Buffer =>
  Buffer.from(
    `<Notify><NotificationMessage><Topic>tns1:VideoSource/SignalLoss</Topic><Message><Message UtcTime="2026-01-01T00:00:00Z" PropertyOperation="Changed"><Source><SimpleItem Name="Source" Value="${token}"/></Source><Data><SimpleItem Name="State" Value="${state}"/></Data></Message></Message></NotificationMessage></Notify>`,
  );

/** What a reader makes of messages while the channels that are known change. */
function reader(channels: OnvifChannel[]) {
  const known = { channels };
  const made = createReader({
    setting: () => ({ channels: known.channels, informational: false, quietMs: 0 }),
    deviceNow: () => null,
    at: () => 0,
  });
  const tell = (token: string, state: boolean): { phase: string; key: string } => {
    const [finding] = made.read(message(token, state)).findings;
    if (finding?.kind !== 'event') throw new Error(`no event: ${JSON.stringify(finding)}`);
    const draft: EventDraft = finding.draft;
    return { phase: draft.phase, key: alarmKey(defaultPolicy.keyParts, { ...draft, deviceId: 'nvr' }) };
  };
  return { known, tell };
}

it('sources whose channels are not known are alarms of their own', () => {
  const { tell } = reader([]);
  const first = tell('VS_1', true);
  const second = tell('VS_2', true);
  expect(first.key).not.toBe(second.key);
  expect(tell('VS_1', false)).toEqual({ phase: 'stop', key: first.key });
});

it('what began ends where it began, though its channel has become known meanwhile', () => {
  const { known, tell } = reader([]);
  const { key } = tell('VS_2', true);
  known.channels = [channel(1, 'VS_1'), channel(2, 'VS_2')];
  expect(tell('VS_2', true)).toEqual({ phase: 'refresh', key });
  expect(tell('VS_2', false)).toEqual({ phase: 'stop', key });
  expect(tell('VS_2', true).key).toContain('channel=2');
});

it('what began ends where it began, though its channel is not known any more', () => {
  const { known, tell } = reader([channel(1, 'VS_1'), channel(2, 'VS_2')]);
  const { key } = tell('VS_2', true);
  known.channels = [];
  expect(key).toContain('channel=2');
  expect(tell('VS_2', false)).toEqual({ phase: 'stop', key });
});
