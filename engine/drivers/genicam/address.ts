import { isIPv4 } from 'node:net';
import { userError } from '../../domain/errors';

/**
 * How arv-tool is told which camera: `-a` with the IPv4 address of a GigE camera, `-n` with the name of any other.
 * Without `-a` a search of about a second may run first. Names may hold no `*` or `?`, which would match any camera.
 * Throws `E_DEVICE_OPTIONS` (user).
 */
export function cameraArgs(host: string): readonly string[] {
  if (isIPv4(host)) return ['-a', host];
  if (/^[A-Za-z0-9][\w .()+/#-]{0,127}$/.test(host)) return ['-n', host];
  throw userError(
    'E_DEVICE_OPTIONS',
    `"${host.slice(0, 140)}" is no camera: give the IPv4 address of a GigE camera, or the name of a USB camera as "arv-tool-0.8" lists it`,
    { facts: { field: 'host' } },
  );
}

/** Names of features and entries are words; anything else could mean something to arv-tool (`R[…]`, `=`). */
export const isWord = (name: string): boolean => /^[A-Za-z_]\w{0,99}$/.test(name);
