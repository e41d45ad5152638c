export { backoff } from './backoff';
export { capturedParts } from './captured-stream';
export type { RefusalMemory } from './credential-breaker';
export { REMEMBERED_MS } from './credential-breaker';
export type {
  DeviceHeaders,
  DeviceHttp,
  DeviceHttpOptions,
  DeviceRequest,
  DeviceResponse,
  DeviceStream,
  DeviceStreamRequest,
} from './device-http';
export { askingOnly, createDeviceHttp } from './device-http';
export type { Challenge, Credentials } from './digest';
export { answerDigest, authorize, chooseChallenge, parseChallenges } from './digest';
export { drained } from './drained';
export type { BodyForm, BodyPart, FramedPart, FrameFault, Framer, FramerOptions } from './framer';
export { createFramer } from './framer';
export type { GroupSearch } from './group-search';
export { searchGroup } from './group-search';
export type { KeptStream, KeptStreamEvents, KeptStreamTiming, Soon } from './kept-stream';
export { keepStream, seconds } from './kept-stream';
export type { OtherProtocolOptions } from './other-protocol';
export { orOtherProtocol, otherProtocol, speaksOtherProtocol } from './other-protocol';
export type { PlainAnswer } from './plain-question';
export { askPlainly } from './plain-question';
export type { WhileOnline } from './while-online';
export { whileOnline } from './while-online';
export type { XmlDraft, XmlElement } from './xml';
export { child, childrenOf, childText, findAll, parseXml, toXml } from './xml';
