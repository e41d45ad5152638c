import type { DeviceLink } from '../domain/devices';
import type { EventDraft, EventPhase } from '../domain/events';

/** Makes a device's own events of the changes of its link: source-online, source-offline and credentials-refused. */
export interface LinkEvents {
  changed(before: DeviceLink, link: DeviceLink, detail: string): void;
}

/** @param keep puts an event of the device on record */
export function createLinkEvents(keep: (draft: EventDraft) => void): LinkEvents {
  /** Whether source-offline and credentials-refused are open; null: not known since the start. */
  let offline: boolean | null = null;
  let refused: boolean | null = null;

  return {
    changed(before, link, detail) {
      const tell = (type: EventDraft['type'], phase: EventPhase): void =>
        keep({
          type,
          vendorType: 'connection',
          phase,
          description: detail,
          deviceTime: null,
          deviceAt: null,
          raw: JSON.stringify({ connection: link, detail }),
        });
      if (link === 'online' && before !== 'online') {
        // After a restart nobody knows what the last run had left open: its end is told once.
        if (offline !== false) tell('source-offline', 'stop');
        if (refused !== false) tell('credentials-refused', 'stop');
        offline = false;
        refused = false;
        tell('source-online', 'pulse');
      }
      if (link === 'offline' && offline !== true) {
        offline = true;
        tell('source-offline', 'start');
      }
      if (link === 'refused' && refused !== true) {
        refused = true;
        // It answers, if only with a refusal.
        if (offline === true) tell('source-offline', 'stop');
        offline = false;
        tell('credentials-refused', 'start');
      }
    },
  };
}
