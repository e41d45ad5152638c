import type { DeviceDriver } from '../driver';
import { connectHttpPush } from './connection';
import { decodeHttpPush } from './decode';
import { httpPushDialog, pushMethods, readHttpPushOptions } from './options';

export type { Fields, NamedPicture, PushBody } from './body';
export { queryFields, readBody } from './body';
export type { HttpPushConnection } from './connection';
export { decodeHttpPush, wholeCapture } from './decode';
export type { Message } from './message';
export { asMessage, MESSAGE_TYPE, readableBody, readMessages, splitPath } from './message';
export { canonicalType, unitNamed } from './options';
export { withoutSecrets } from './redaction';
export type { HttpPushSimulator, HttpPushSimulatorOptions, SenderFault, SenderForm, SentEvent } from './simulator';
export { greyPicture, senderFaults, senderForms, startHttpPushSimulator } from './simulator';
export { post } from './simulator/post';

/** Any sender that pushes its events over HTTP, by a mapping that the operator writes (REQUIREMENTS T17). */
export const httpPushDriver: DeviceDriver = {
  kind: 'http-push',
  title: 'HTTP push (any sender)',
  defaultPort: 80,
  dialog: httpPushDialog,
  readOptions: readHttpPushOptions,
  connect: connectHttpPush,
  pushMethods,
  unpacksPushes: true,
  decode: decodeHttpPush,
};
