import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { operationalError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import type { OutputState } from '../../engine/domain/outputs';
import type { Popup } from '../../engine/domain/popups';
import { createCameraNotices } from '../../engine/host/camera-notices';

const output: OutputState = {
  id: 'yard/ptz/1',
  deviceId: 'yard',
  kind: 'ptz',
  output: '1',
  name: 'Yard dome',
  mode: 'auto',
  generation: 4,
  desired: false,
  confirmed: false,
  confirmedAt: null,
  lastError: null,
};

describe('a camera that did not return', () => {
  it('is told of in every console until somebody has seen it, each time anew', async () => {
    const clock = new VirtualClock(1_795_000_000_000);
    const shown: [Popup, string, boolean][] = [];
    const notReturned = createCameraNotices({
      popups: {
        show: async (...told) => {
          shown.push(told);
          return 'shown';
        },
      },
      deviceName: () => 'Yard recorder',
      clock,
      log: silentLog,
    });
    notReturned(output, 'Camera "Yard dome" took preset 9 and did not move');
    await clock.advance(1_000);
    notReturned(output, 'Camera "Yard dome" took preset 9 and did not move');
    expect(shown).toHaveLength(2);
    const [popup, key, onlyOpen] = shown[0]!;
    expect(popup).toMatchObject({
      level: 'warning',
      goesWhen: 'acknowledged',
      goesAt: null,
      title: 'Camera "Yard dome" did not return',
    });
    expect(popup.text).toContain('did not move. No alarm holds it any more (Yard recorder, camera, channel 1)');
    expect(onlyOpen).toBe(false);
    expect(shown[1]![0].id).toBe(popup.id);
    expect(shown[1]![1]).not.toBe(key);
  });

  it('is in the log where the message cannot be kept', async () => {
    const errors: string[] = [];
    const notReturned = createCameraNotices({
      popups: { show: () => Promise.reject(operationalError('E_RECORD_WRITE', 'disk full: make room')) },
      deviceName: () => 'Yard recorder',
      clock: new VirtualClock(0),
      log: { ...silentLog, error: (event) => void errors.push(event) },
    });
    notReturned(output, 'words');
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual(['output.not-returned-not-shown']);
  });
});
