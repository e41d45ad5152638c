/** The conventions of the families of things (PROTOCOLS §8). */
import { freeTopics } from './free-topics';
import { shelly1 } from './shelly1';
import { shelly2 } from './shelly2';
import { tasmota } from './tasmota';
import type { Thing } from './thing';
import type { ThingLine } from './thing-lines';
import { zigbee } from './zigbee';

/** A line as a thing. Throws `E_DEVICE_OPTIONS` (user) that names the line. */
export function thingOf(line: ThingLine): Thing {
  switch (line.profile) {
    case 'tasmota':
      return tasmota(line);
    case 'shelly1':
      return shelly1(line);
    case 'shelly2':
      return shelly2(line);
    case 'zigbee':
      return zigbee(line);
    case 'topic':
      return freeTopics(line);
  }
}
