import type { EventDraft, EventRegion, EventTarget } from '../../domain/events';
import { type CodeNature, conditionOf, natureOf } from './codes';
import type { WireAction, WireData, WireEvent } from './event-text';
import { eventTime } from './event-time';
import { numberAt, objectsAt, textAt, textsAt, valueAt, withoutGaps } from './fields';
import type { ConditionReport } from './open-conditions';
import { boxFrom, pointsAt } from './shapes';
import { actionIn, saysDifference, temperatureIn, thermalRulePaths } from './thermal';

/** What the reading of an event depends on beside its text. */
export interface EventSetting {
  /** IANA zone of the device's clock; null: that of this machine. */
  timeZone: string | null;
  /** What the device's clock may show now, milliseconds. */
  nears: readonly number[];
  /** How many there are, as far as known: where there is one, an event without index is about that. */
  channels: number | null;
  inputs: number | null;
}

export type Meaning =
  | { kind: 'ignored' }
  /** `readClock`: the device's clock was set. */
  | { kind: 'notice'; text: string; readClock: boolean }
  | { kind: 'report'; draft: Omit<EventDraft, 'phase'>; report: Omit<ConditionReport, 'at'> };

/** What an event of the device means. Never throws. */
export function understand(event: WireEvent, setting: EventSetting): Meaning {
  const nature = natureOf(event.code);
  if (nature.life === 'ignored') return { kind: 'ignored' };
  if (nature.life !== 'lasting')
    return { kind: 'notice', text: `The device tells ${event.code}`, readClock: nature.life === 'clock' };
  const { data } = event;
  const action = actionOf(event, nature);
  const thermal = /^(?:temperature-|fire|smoke)/.test(nature.type);
  const ruleName = textAt(data, ...(thermal ? thermalRulePaths : ['Name', 'RuleName']));
  const ruleId = textAt(data, 'RuleId', 'RuleID', ...(thermal ? ['AlarmId', 'AlarmID'] : []));
  const place = placeOf(event, nature, setting);
  const type = typeOf(nature, data);
  const regions = regionsOf(nature, data, ruleId);
  const kept = withoutGaps({
    rule: ruleOf(nature, ruleName, ruleId, data),
    target: nature.target ?? targetOf(mainObject(data)) ?? regions.find((r) => r.target !== undefined)?.target,
    direction: directionOf(data),
    level: type.startsWith('temperature-') ? ('alarm' as const) : undefined,
  });
  const draft = withoutGaps({
    type,
    vendorType: event.code,
    ...place,
    ...kept,
    objectId: objectIdOf(data),
    condition: conditionOf(type, nature),
    temperature: thermal ? temperatureIn(data) : undefined,
    regions: regions.length > 0 ? regions : undefined,
    description: descriptionOf(event, nature, ruleName),
    ...eventTime(data, setting.timeZone, setting.nears),
    quietMs: nature.quietMs,
    raw: event.raw,
  });
  const report = withoutGaps({
    family: nature.family,
    code: event.code,
    action,
    type,
    typeIsSure: saysType(nature, data),
    ...place,
    ruleKey: nature.ruleKey,
    ruleName,
    ruleId,
    quietMs: nature.quietMs,
    kept,
  });
  return { kind: 'report', draft, report };
}

/** A pulse whose data says that it is a start or an end is that (PROTOCOLS §2.4). */
function actionOf(event: WireEvent, nature: CodeNature): WireAction {
  if (event.action === 'pulse' && nature.type.startsWith('temperature-')) return actionIn(event.data) ?? 'pulse';
  // Nothing is known of an unknown code: a single event is the least that it can be.
  return event.action === 'state' && nature.type.startsWith('vendor:') ? 'pulse' : event.action;
}

/** Channels count from 1 for everybody else; inputs and outputs as the device counts them, from 0. */
export function placeOf(
  event: Pick<WireEvent, 'index' | 'data'>,
  nature: CodeNature,
  setting: Pick<EventSetting, 'channels' | 'inputs'>,
): Pick<EventDraft, 'channel' | 'input' | 'output'> {
  const counted = (only: number | null): number | null => event.index ?? (only === 1 ? 0 : null);
  const indexed = (prefix: string, index: number | null): string | undefined =>
    index === null ? undefined : `${prefix}${index}`;
  switch (nature.place) {
    case 'channel': {
      const index = event.index ?? channelIn(event.data) ?? counted(setting.channels);
      return index === null ? {} : { channel: index + 1 };
    }
    case 'camera-input': {
      const index = counted(setting.channels);
      return index === null ? {} : { channel: index + 1, input: `ipc:${index + 1}` };
    }
    case 'input':
      return withoutGaps({ input: indexed('', counted(setting.inputs)) });
    case 'box-input':
      return withoutGaps({ input: indexed('box:', event.index) });
    case 'network-input':
      return withoutGaps({ input: indexed('net:', event.index) });
    case 'output':
      return withoutGaps({ output: indexed('', event.index) });
    case 'device':
      return {};
  }
}

function channelIn(data: WireData | null): number | null {
  const channel = numberAt(data, 'Channel');
  return channel !== undefined && Number.isInteger(channel) && channel >= 0 && channel < 100_000 ? channel : null;
}

const passiveInfrared = (data: WireData | null): boolean =>
  /passive\s?infra|^pir$/i.test(textAt(data, 'SenseMethod') ?? '');

function typeOf(nature: CodeNature, data: WireData | null): EventDraft['type'] {
  if (nature.family === 'AlarmLocal' && passiveInfrared(data)) return 'pir';
  if (nature.family === 'HeatImagingTemper' && saysDifference(data)) return 'temperature-difference';
  if (nature.family !== 'CrossRegionDetection') return nature.type;
  const action = textAt(data, 'Action')?.toLowerCase();
  if (action === 'inside' || action === 'appear') return 'intrusion';
  const direction = textAt(data, 'Direction')?.toLowerCase();
  if (direction === 'enter') return 'region-enter';
  return direction === 'leave' || direction === 'exit' ? 'region-exit' : 'intrusion';
}

/** Whether the data was needed to tell the type, and told it. */
function saysType(nature: CodeNature, data: WireData | null): boolean {
  switch (nature.family) {
    case 'CrossRegionDetection':
      return textAt(data, 'Action', 'Direction') !== undefined;
    case 'AlarmLocal':
      return textAt(data, 'SenseMethod') !== undefined;
    case 'HeatImagingTemper':
      return saysDifference(data);
    default:
      return true;
  }
}

/** The name that the operator gave the rule, else its number; of motion the region, where it is a single one. */
function ruleOf(
  nature: CodeNature,
  name: string | undefined,
  id: string | undefined,
  data: WireData | null,
): string | undefined {
  if (nature.type !== 'motion') return nature.place === 'channel' ? (name ?? id) : undefined;
  const regions = textsAt(data, 'RegionName');
  return regions.length === 1 ? regions[0] : undefined;
}

const mainObject = (data: WireData | null): WireData | undefined =>
  [...objectsAt(data, 'Object', 1), ...objectsAt(data, 'Objects', 1), ...objectsAt(data, 'object', 1)][0];

function objectIdOf(data: WireData | null): string | undefined {
  const main = mainObject(data);
  return main && textAt(main, 'ObjectID', 'HumamID', 'HumanID', 'VehicleID');
}

function targetOf(object: WireData | undefined): EventTarget | undefined {
  const type = object && textAt(object, 'ObjectType', 'Type')?.toLowerCase();
  if (!object || type === undefined) {
    if (!object) return undefined;
    if (textAt(object, 'HumamID', 'HumanID') !== undefined) return 'human';
    return textAt(object, 'VehicleID') !== undefined ? 'vehicle' : undefined;
  }
  if (type === 'unknown') return undefined;
  if (/^(?:human|person|humanface|face|people)$/.test(type)) return 'human';
  return /vehicle|^(?:car|truck|bus|motor|nonmotor|non-motor|bicycle|motorcycle|plate)$/.test(type)
    ? 'vehicle'
    : 'other';
}

function directionOf(data: WireData | null): EventDraft['direction'] {
  switch (
    textAt(data, 'Direction')
      ?.toLowerCase()
      .replace(/[\s_-]/g, '')
  ) {
    case 'lefttoright':
    case 'atob':
      return 'a-to-b';
    case 'righttoleft':
    case 'btoa':
      return 'b-to-a';
    case 'any':
    case 'both':
    case 'bothway':
      return 'both';
    default:
      return undefined;
  }
}

function regionsOf(nature: CodeNature, data: WireData | null, ruleId: string | undefined): EventRegion[] {
  if (nature.type === 'motion') {
    const objects = [...objectsAt(data, 'object'), ...objectsAt(data, 'Object')];
    const found = objects.map((object) =>
      withoutGaps({
        id: textAt(object, 'HumamID', 'HumanID', 'VehicleID', 'ObjectID'),
        box: boxFrom(valueAt(object, 'Rect') ?? valueAt(object, 'BoundingBox')),
        target: targetOf(object) ?? nature.target,
      }),
    );
    return found.length > 0 ? found : textsAt(data, 'RegionName').map((id) => ({ id }));
  }
  const points = pointsAt(data, 'DetectLine', 'DetectRegion', 'Region', 'Polygon');
  const objects = objectsAt(data, 'Objects');
  if (objects.length === 0) objects.push(...objectsAt(data, 'Object'));
  const found = objects.map((object) =>
    withoutGaps({
      id: ruleId,
      points,
      box: boxFrom(valueAt(object, 'BoundingBox') ?? valueAt(object, 'Rect')),
      target: targetOf(object),
    }),
  );
  if (found.length > 0) return found.filter((r) => r.points ?? r.box ?? r.target);
  const box = boxFrom(valueAt(data, 'BoundingBox'));
  return points || box ? [withoutGaps({ id: ruleId, points, box })] : [];
}

function descriptionOf(event: WireEvent, nature: CodeNature, name: string | undefined): string | undefined {
  if (event.dataFault) return `${event.code}: ${event.dataFault}`;
  return nature.place === 'channel' ? undefined : name;
}
