import { userError } from '../../../domain/errors';
import { opticalPicture, thermalPicture } from '../../simulated/pictures';
import type { ClockFace } from './clock-face';
import { alertDraft, type Draft, heartbeatDraft, type Reporter, xmlText } from './documents';
import type { Faults } from './faults';
import { type SceneRequest, sceneNames, sceneOf } from './scenes';
import type { StreamAlert } from './streams';

export type AlertFormat = 'XML' | 'JSON';

/** Writes alerts and heart-beats as the device's firmware would. */
export interface AlertWriter {
  /** Throws `E_UNKNOWN_SCENE` (user). */
  alert(request: SceneRequest, count: number, format?: AlertFormat): StreamAlert;
  heartbeat(): StreamAlert;
  /** The sign of life of a subscription: an event of its own, active (PROTOCOLS §1.5). */
  subscriptionHeartbeat(): StreamAlert;
}

export interface AlertWriterOptions {
  faults: Faults;
  face: ClockFace;
  /** Line end of its documents. */
  eol: string;
  reporter(): Reporter;
}

/** Namespaces that were seen on one and the same resource (PROTOCOLS §1.1); null: none. */
const namespaces = [
  'http://www.isapi.org/ver20/XMLSchema',
  'http://www.isapi.com/ver20/XMLSchema',
  'http://www.std-cgi.com/ver20/XMLSchema',
  'http://www.hikvision.com/ver10/XMLSchema',
  null,
] as const;

export function createAlertWriter({ faults, face, eol, reporter }: AlertWriterOptions): AlertWriter {
  const usual = (): AlertFormat => (faults.has('json-alerts') || faults.has('json-array') ? 'JSON' : 'XML');

  let written = 0;

  function write(draft: Draft, format: AlertFormat, psia = false): Pick<StreamAlert, 'text' | 'contentType'> {
    if (format === 'JSON') {
      const value = faults.has('json-array') ? [draft] : draft;
      return { text: JSON.stringify(value), contentType: 'application/json' };
    }
    const old = { namespace: 'urn:psialliance-org', version: '1.0', declaration: true };
    const other = faults.has('other-namespaces') ? { namespace: namespaces[written++ % namespaces.length] } : {};
    let text = xmlText('EventNotificationAlert', draft, psia ? { ...old, eol } : { eol, ...other });
    if (faults.has('prefixed-names'))
      text = text.replace(/<(\/?)(\w)/g, '<$1h:$2').replace(' version=', ' xmlns:h="urn:h" version=');
    if (faults.has('byte-order-mark')) text = `\uFEFF${text}`;
    if (faults.has('trailing-nul')) text = `${text}\0`;
    if (faults.has('bare-ampersand')) text = text.replace('<channelName>', '<channelName>Gate & yard ');
    if (faults.has('malformed-xml')) text = text.replace('</eventType>', '</eventTyp>');
    return { text, contentType: 'application/xml' };
  }

  return {
    alert(request, count, format = usual()) {
      const scene = sceneOf(request.scene);
      if (!scene)
        throw userError(
          'E_UNKNOWN_SCENE',
          `There is no scene "${request.scene}"; the device knows: ${sceneNames.join(', ')}`,
        );
      const pictures = Math.min(4, Math.max(0, Math.trunc(request.pictures ?? 0)));
      const draft = alertDraft(
        {
          scene,
          request,
          state: request.state ?? 'active',
          count,
          dateTime: face.text(request.at),
          pictures,
          retransmitted: request.retransmission === true || faults.has('retransmission-flag'),
        },
        reporter(),
      );
      const picture = scene.place === 'thermal' ? thermalPicture : opticalPicture;
      // This one exists as JSON only.
      const use = scene.body === 'reading' ? 'JSON' : format;
      return { ...write(draft, use, scene.body === 'psia'), pictures: Array<Buffer>(pictures).fill(picture) };
    },
    subscriptionHeartbeat: () => ({
      ...write(
        {
          ...heartbeatDraft(face.text(), reporter()),
          eventType: 'heartBeat',
          eventState: 'active',
          eventDescription: 'Heartbeat',
        },
        usual(),
      ),
      pictures: [],
    }),
    heartbeat: () => ({ ...write(heartbeatDraft(face.text(), reporter()), usual()), pictures: [] }),
  };
}
