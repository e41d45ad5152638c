import { ns } from '../namespaces';
import type { OnvifFaults } from './faults';

/** An answer of the simulated device: status and inner body. */
export interface SimulatedAnswer {
  status: number;
  body: string;
}

const declarations =
  ` xmlns:SOAP-ENV="${ns.envelope}" xmlns:tt="${ns.schema}" xmlns:tds="${ns.device}" xmlns:trt="${ns.media}"` +
  ` xmlns:tr2="${ns.media2}" xmlns:tev="${ns.events}" xmlns:tmd="${ns.deviceIo}" xmlns:tptz="${ns.ptz}" xmlns:trc="${ns.recording}" xmlns:tan="${ns.analytics}"` +
  ` xmlns:wsnt="${ns.notification}" xmlns:wsa5="${ns.addressing}" xmlns:wstop="http://docs.oasis-open.org/wsn/t-1"` +
  ' xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:tnshik="http://www.hikvision.com/2011/event/topics"' +
  ' xmlns:ter="http://www.onvif.org/ver10/error"';

/** Body in an envelope as this device writes it. */
export function simulatedEnvelope(body: string, faults: OnvifFaults): string {
  const many = faults.has('many-namespaces')
    ? Array.from({ length: 80 }, (_, i) => ` xmlns:x${i}="urn:example:${i}"`).join('')
    : '';
  const odd = faults.has('odd-prefixes') ? ` xmlns:ns4="${ns.notification}" xmlns:Q2="${ns.schema}"` : '';
  const text =
    `<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope${declarations}${many}${odd}>` +
    `<SOAP-ENV:Header/><SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>`;
  const before = faults.has('leading-blank-line') ? '\r\n\r\n' : '';
  const mark = faults.has('byte-order-mark') ? '\ufeff' : '';
  return mark + before + text + (faults.has('garbage-behind') ? '\r\n\0\0&garbage' : '');
}

/** A SOAP fault with the status that this device gives faults. */
export function simulatedFault(
  faults: OnvifFaults,
  codes: readonly [string, ...string[]],
  reason: string,
  detail = '',
): SimulatedAnswer {
  const status = faults.has('fault-in-200') ? 200 : faults.has('fault-in-500') ? 500 : 400;
  if (faults.has('soap-1.1-faults'))
    return {
      status,
      body: `<SOAP-ENV:Fault><faultcode>${codes.at(-1)}</faultcode><faultstring>${reason}</faultstring>${detail && `<detail>${detail}</detail>`}</SOAP-ENV:Fault>`,
    };
  const nested = codes.reduceRight(
    (inner, code, i) =>
      `<SOAP-ENV:${i === 0 ? 'Code' : 'Subcode'}><SOAP-ENV:Value>${code}</SOAP-ENV:Value>${inner}</SOAP-ENV:${i === 0 ? 'Code' : 'Subcode'}>`,
    '',
  );
  return {
    status,
    body:
      `<SOAP-ENV:Fault>${nested}<SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">${reason}</SOAP-ENV:Text></SOAP-ENV:Reason>` +
      `${detail && `<SOAP-ENV:Detail>${detail}</SOAP-ENV:Detail>`}</SOAP-ENV:Fault>`,
  };
}

export const unknownAction = (faults: OnvifFaults): SimulatedAnswer =>
  simulatedFault(faults, ['SOAP-ENV:Receiver', 'ter:ActionNotSupported'], 'Optional Action Not Implemented');

export const notAuthorized = (faults: OnvifFaults, reason = 'Sender not Authorized'): SimulatedAnswer =>
  simulatedFault(faults, ['SOAP-ENV:Sender', 'ter:NotAuthorized'], reason);

export const badArgument = (faults: OnvifFaults, code: string, reason: string): SimulatedAnswer =>
  simulatedFault(faults, ['SOAP-ENV:Sender', 'ter:InvalidArgVal', code], reason);
