/** How people hear of a camera that did not come back: a pop-up that stands until somebody has seen it. */
import type { Clock } from '../clock/clock';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import { outputWords } from '../domain/output-words';
import type { OutputState } from '../domain/outputs';
import { standingPopup } from '../domain/popups';
import type { Popups } from './popups';

export interface CameraNoticesParts {
  popups: Pick<Popups, 'show'>;
  deviceName(id: string): string;
  clock: Clock;
  log: Log;
}

/** Answers with what shows a camera's failure to return. */
export function createCameraNotices(parts: CameraNoticesParts): (output: OutputState, words: string) => void {
  const { popups, clock, log } = parts;
  return (output, words) => {
    const now = clock.now();
    const popup = standingPopup(
      {
        id: `not-returned:${output.id}`,
        nodeName: output.name,
        level: 'warning',
        title: `Camera "${output.name}" did not return`,
        text: `${words}. No alarm holds it any more (${parts.deviceName(output.deviceId)}, ${outputWords(output)}): look where it points, and direct it by hand.`,
      },
      now,
    );
    popups.show(popup, `${popup.id}:${now}`, false).catch((thrown: unknown) => {
      log.error('output.not-returned-not-shown', { output: output.id, error: asAlarmflowError(thrown).message });
    });
  };
}
