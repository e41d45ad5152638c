import { expect, it } from 'vitest';
import { type Alarms, createAlarms } from '../../engine/alarms';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AlarmMessage } from '../../engine/domain/alarms';
import { silentLog } from '../../engine/domain/log';
import { createOutputs } from '../../engine/outputs';
import { alarmEvent } from '../support/alarm-events';
import { alarmTrigger, memoryRecord, virtualTimers } from '../support/alarm-record';

const noon = 1_780_315_200_000;

it('an alarm with a real lease clears, counts its post-alarm down, and ends when the output is free', async () => {
  const clock = new VirtualClock(noon);
  const record = memoryRecord();
  const timers = virtualTimers(clock);
  const phases: string[] = [];
  let alarms: Alarms | null = null;
  const outputs = createOutputs({
    writer: record,
    clock,
    log: silentLog,
    timers,
    devices: {
      device() {
        throw new Error('no device in this test');
      },
    },
    requestReconcile() {},
    alarm: (id) => alarms?.alarm(id),
    holdEnded: (id) => void alarms?.holdEnded(id),
    announce() {},
  });
  alarms = createAlarms({
    writer: record,
    clock,
    log: silentLog,
    timers,
    holds: outputs,
    siteName: 'Home',
    announce() {},
    deviceName: (id) => id,
  });
  const relay = (message: AlarmMessage): void => {
    phases.push(`${(clock.now() - noon) / 1_000} ${message.alarm.phase}`);
    void outputs.request({
      nodeId: 'relay',
      nodeName: 'Siren',
      deviceId: 'cam1',
      output: '1',
      alarm: message.alarm,
      messageId: message.messageId,
      condition: message.payload,
      topic: message.topic,
      hold: { afterClearMs: 12_000, capMs: null },
    });
  };
  alarms.resume(record.resume(), true);
  outputs.resume(record.resume());
  await alarms.defineTrigger(alarmTrigger(), relay);
  await outputs.define({ nodeId: 'relay', deviceId: 'cam1', output: '1', name: 'Siren' });
  await outputs.flowsStarted();
  await alarms.flowsStarted();

  await alarms.accept(alarmEvent({ receivedAt: clock.now() }));
  await clock.advance(5_000);
  expect(outputs.list()[0]).toMatchObject({ desired: true });
  await alarms.accept(alarmEvent({ receivedAt: clock.now(), phase: 'stop' }));
  await clock.advance(6_000);
  await alarms.accept(alarmEvent({ receivedAt: clock.now() }));
  await alarms.accept(alarmEvent({ receivedAt: clock.now(), phase: 'stop' }));
  await clock.advance(11_999);
  expect(outputs.list()[0]).toMatchObject({ desired: true });
  expect(alarms.live()).toMatchObject([{ state: 'clearing', count: 2 }]);
  await clock.advance(1);
  expect(outputs.list()[0]).toMatchObject({ desired: false });
  expect(alarms.live()).toEqual([]);
  expect(phases).toEqual(['0 raise', '5 clear', '11 clear', '23 end']);
  timers.stop();
  alarms.close();
});
