import type { EventRegion } from '../../domain/events';
import type { WireData } from './event-text';
import { valueAt, withoutGaps } from './fields';

/** Coordinates of the device run from 0 to this over the picture's width and height (PROTOCOLS §2.3). */
const SPAN = 8191;
const MAX_POINTS = 64;

type Point = { x: number; y: number };

const share = (value: unknown): number | null => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return null;
  return Math.min(1, Math.max(0, Math.round((number / SPAN) * 10_000) / 10_000));
};

function pointFrom(value: unknown): Point | undefined {
  if (!Array.isArray(value)) return undefined;
  const x = share(value[0]);
  const y = share(value[1]);
  return x === null || y === null ? undefined : { x, y };
}

/** A place `[x, y]`, each 0–1. A rectangle in its stead gives its middle. */
export function pointAt(data: WireData | null, ...paths: string[]): Point | undefined {
  for (const path of paths) {
    const value = valueAt(data, path);
    const box = boxFrom(value);
    if (box) return { x: round(box.x + box.width / 2), y: round(box.y + box.height / 2) };
    const point = pointFrom(value) ?? pointFrom(Array.isArray(value) ? value[0] : undefined);
    if (point) return point;
  }
  return undefined;
}

const round = (value: number): number => Math.round(value * 10_000) / 10_000;

/** Corner points of a line or an area `[[x, y], …]`, each 0–1. */
export function pointsAt(data: WireData | null, ...paths: string[]): Point[] | undefined {
  for (const path of paths) {
    const value = valueAt(data, path);
    if (!Array.isArray(value)) continue;
    const points = value
      .slice(0, MAX_POINTS)
      .map(pointFrom)
      .filter((p) => p !== undefined);
    if (points.length > 1) return points;
  }
  return undefined;
}

/** A rectangle `[left, top, right, bottom]`, each 0–1. */
export function boxFrom(value: unknown): EventRegion['box'] {
  if (!Array.isArray(value) || value.length < 4) return undefined;
  const [left, top, right, bottom] = value.slice(0, 4).map(share);
  if (left == null || top == null || right == null || bottom == null) return undefined;
  return withoutGaps({
    x: Math.min(left, right),
    y: Math.min(top, bottom),
    width: round(Math.abs(right - left)),
    height: round(Math.abs(bottom - top)),
  });
}
