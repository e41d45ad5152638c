import type { DeviceRow } from '../../../engine/host/console-api';
import { linkTone, span } from '../words';

export function DevicesPanel({ devices, now }: { devices: DeviceRow[]; now: number }) {
  // Of many devices those that somebody must look after come first.
  const away = devices.filter(({ status }) => status.link !== 'online');
  const sorted = [...away, ...devices.filter(({ status }) => status.link === 'online')];
  return (
    <section className="panel" aria-labelledby="devices-title">
      <h2 id="devices-title">
        Devices {away.length > 0 && <span className="count some">{away.length} not online</span>}
      </h2>
      {devices.length === 0 && <p className="empty">No device is set up: add one in the flow editor.</p>}
      <ul className="devices">
        {sorted.map((device) => (
          <li key={device.id}>
            <span className={`chip ${linkTone(device)}`}>{device.status.link}</span>
            <strong>{device.name}</strong>
            <p className="small">
              {[device.driver, device.address].filter((text) => text !== '').join(' · ')}
              {device.status.facts && ` · ${device.status.facts.model}`}
              {device.status.lastSeenAt !== null && ` · heard ${span(now - device.status.lastSeenAt)} ago`}
            </p>
            {device.status.link !== 'online' && device.status.detail && (
              <p className="small error">{device.status.detail}</p>
            )}
            {device.status.facts?.warnings.map((warning) => (
              <p className="small error" key={warning}>
                {warning}
              </p>
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}
