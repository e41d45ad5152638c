import { isoTime } from '../../../clock/clock';
import { xmlText } from '../envelope';
import type { OnvifFaults } from './faults';

/** One message as a test or a person fires it. */
export interface OnvifMessage {
  /** Without the first prefix, e.g. `RuleEngine/CellMotionDetector/Motion`. */
  topic: string;
  source?: Record<string, string>;
  key?: Record<string, string>;
  data?: Record<string, string>;
  /** XML inside Data behind the simple items. */
  elements?: string;
  /** null: no property. Default Changed. */
  operation?: 'Initialized' | 'Changed' | 'Deleted' | null;
  /** Wall time of the device, milliseconds; default its present one. */
  at?: number;
}

const items = (list: Record<string, string> = {}, faults: OnvifFaults): string =>
  Object.entries(list)
    .map(([name, value]) => {
      const written = xmlText(dressed(value, faults));
      return faults.has('value-as-text')
        ? `<tt:SimpleItem Name="${xmlText(name)}">${written}</tt:SimpleItem>`
        : `<tt:SimpleItem Name="${xmlText(name)}" Value="${written}"/>`;
    })
    .join('\n');

function dressed(value: string, faults: OnvifFaults): string {
  if (value !== 'true' && value !== 'false') return value;
  if (faults.has('numeric-booleans')) return value === 'true' ? '1' : '0';
  if (faults.has('word-booleans')) return value === 'true' ? 'on' : 'off';
  return faults.has('capital-booleans') ? value.toUpperCase() : value;
}

/** A NotificationMessage as this device writes it, whatever is wrong with it. */
export function notificationXml(message: OnvifMessage, deviceNow: number, faults: OnvifFaults): string {
  const operation = message.operation === undefined ? 'Changed' : message.operation;
  const written = faults.has('always-initialized') && operation !== null ? 'Initialized' : operation;
  const attribute = written === null || faults.has('no-operation') ? '' : ` PropertyOperation="${written}"`;
  const at = faults.has('old-times') ? 315_532_800_000 : (message.at ?? deviceNow);
  const time = faults.has('no-zone') ? isoTime(at).slice(0, 19) : isoTime(at);
  const part = (name: string, list: Record<string, string> | undefined, more = ''): string =>
    list === undefined && more === '' ? '' : `<tt:${name}>${items(list, faults)}${more}</tt:${name}>`;
  const body = (data: string): string =>
    `<tt:Message UtcTime="${time}"${attribute}>${part('Source', message.source)}${part('Key', message.key)}${data}</tt:Message>`;
  const one = body(part('Data', message.data ?? {}, message.elements));
  const both = faults.has('several-messages') ? `${one}${one}` : one;
  const joined = faults.has('joined-topics') ? `tns1:VideoSource/tns1:${message.topic}` : `tns1:${message.topic}`;
  const topic = faults.has('topic-blanks') ? `\n   ${joined.replace('/', '/\n  ')}  \n` : joined;
  const text =
    `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">${topic}</wsnt:Topic>` +
    `<wsnt:Message>${both}</wsnt:Message></wsnt:NotificationMessage>`;
  return faults.has('odd-prefixes') ? text.replace(/(<\/?)wsnt:/g, '$1ns4:').replace(/(<\/?)tt:/g, '$1Q2:') : text;
}

/** A notification that no reader can make sense of, among good ones. */
export const brokenNotification =
  '<wsnt:NotificationMessage><wsnt:Topic>tns1:Device/Trigger/DigitalInput</wsnt:Topic><wsnt:Message>' +
  '<tt:Message UtcTime="nonsense" PropertyOperation="Changed"><tt:Source><tt:SimpleItem Name="InputToken"/></tt:Source>' +
  '<tt:Data><tt:SimpleItem Name="LogicalState" Value="perhaps"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>';
