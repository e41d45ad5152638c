import type { PtzCoordinate, PtzPosition } from '../ptz-judgement';
import type { XmlElement } from '../wire';
import { firstOf } from './answer';

/** Spaces of the PTZ service (ONVIF PTZ Specification §4.8.1); a coordinate in another says nothing that we know. */
const spaces = {
  pan: [
    [/PanTiltSpaces\/PositionGenericSpace$/, { tolerance: 0.01, turn: 2 }],
    [/PanTiltSpaces\/SphericalPositionSpaceDegrees$/, { tolerance: 1.5, turn: 360 }],
  ],
  tilt: [
    [/PanTiltSpaces\/PositionGenericSpace$/, { tolerance: 0.02 }],
    [/PanTiltSpaces\/SphericalPositionSpaceDegrees$/, { tolerance: 1.5 }],
  ],
  zoom: [[/ZoomSpaces\/PositionGenericSpace$/, { tolerance: 0.02 }]],
} as const satisfies Record<string, readonly [RegExp, Pick<PtzCoordinate, 'tolerance' | 'turn'>][]>;

function coordinate(e: XmlElement | undefined, axis: keyof typeof spaces, attribute: 'x' | 'y'): PtzCoordinate | null {
  const text = (e?.attributes[attribute] ?? '').trim();
  if (!/^[+-]?(?:\d{1,9}\.?\d{0,17}|\.\d{1,17})(?:e[+-]?\d{1,2})?$/i.test(text)) return null;
  // Without a space it is that of the profile's configuration, which is the generic one by far the most often.
  const told = (e?.attributes.space ?? '').trim();
  const unit = told === '' ? spaces[axis][0] : spaces[axis].find(([pattern]) => pattern.test(told));
  return unit ? { at: Number(text), ...unit[1], ...(unit === spaces[axis][0] ? {} : { space: 'degrees' }) } : null;
}

/** A `PTZVector`; axes that are missing or in a space that we do not know are left out. */
export function vectorIn(vector: XmlElement | undefined): PtzPosition {
  const head = firstOf(vector, 'PanTilt');
  const pan = coordinate(head, 'pan', 'x');
  const tilt = coordinate(head, 'tilt', 'y');
  const zoom = coordinate(firstOf(vector, 'Zoom'), 'zoom', 'x');
  return { ...(pan ? { pan } : {}), ...(tilt ? { tilt } : {}), ...(zoom ? { zoom } : {}) };
}
