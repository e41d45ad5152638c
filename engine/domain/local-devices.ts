/** Outputs of this site itself, as devices with reserved ids: they are held, reset and shown like those of a camera. */

/** Every open console sounds while it is held. */
export const consoleDevice = { id: 'local-console', name: 'Console', output: 'buzzer' } as const;

/** A program on this machine that plays a sound, as the site's configuration names it. */
export const playerDevice = { id: 'local-player', name: 'Local player', output: 'speaker' } as const;

const known: Readonly<Record<string, { name: string }>> = {
  [consoleDevice.id]: consoleDevice,
  [playerDevice.id]: playerDevice,
};

/** Name of a device of this site; undefined: the id is that of a device of the flow. */
export const localDeviceName = (id: string): string | undefined =>
  Object.hasOwn(known, id) ? known[id]?.name : undefined;
