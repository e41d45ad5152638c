import { asAlarmflowError } from '../../domain/errors';
import type { Decoded } from '../driver';
import { readMessages, wholeCapture } from '../http-push';
import { createOpenConditions } from '../open-conditions';
import { errorText } from './cgi';
import { compileOptions, readVivotekOptions } from './options';
import { parseParams } from './params';
import { understandCameraPush } from './push';

/**
 * Understands what was captured of a camera: pushes with their heads one after another, the body of one, or an answer
 * of getdi.cgi, getdo.cgi or getparam.cgi.
 *
 * @param contentType what a body alone was sent as
 * @param options the camera's settings; absent: those of a new device
 */
export async function* decodeVivotek(
  chunks: AsyncIterable<Buffer>,
  contentType: string | null,
  options: Record<string, unknown> = {},
): AsyncIterable<Decoded> {
  const { quietMs } = compileOptions(readVivotekOptions(options));
  const bytes = await wholeCapture(chunks);
  if (bytes === null) {
    yield { kind: 'fault', reason: 'the capture is larger than 64 MiB', bytes: 64 << 20 };
    return;
  }
  const open = createOpenConditions();
  const error = errorText(bytes);
  if (error !== null) {
    yield { kind: 'fault', reason: `the camera answered "${error}"`, bytes: bytes.length };
    return;
  }
  const states = answerLines(bytes);
  if (states) {
    for (const [name, value] of states) {
      const port = /^(di|do)(\d{1,3})$/.exec(name);
      if (port && /^[01]$/.test(value))
        yield {
          kind: 'event',
          event: {
            type: port[1] === 'di' ? 'digital-input' : 'relay-state',
            vendorType: port[1] === 'di' ? 'getdi' : 'getdo',
            phase: value === '1' ? 'snapshot' : 'stop',
            [port[1] === 'di' ? 'input' : 'output']: port[2],
            description: value === '1' ? 'active' : 'inactive',
            deviceTime: null,
            deviceAt: null,
          },
        };
      else yield { kind: 'notice', text: `${name}='${value.slice(0, 500)}'` };
    }
    return;
  }
  for (const message of readMessages(bytes, contentType)) {
    try {
      const found = understandCameraPush(message, { timeZone: null, now: 0, offset: null, quietMs });
      if (found.kind === 'test') {
        yield { kind: 'notice', text: "The camera's test of its server settings" };
        continue;
      }
      const { draft } = found;
      yield { kind: 'event', event: { ...draft, phase: open.decide(draft, draft.phase, 0) } };
      for (const { contentType: type, bytes: picture, name } of found.pictures)
        yield { kind: 'picture', contentType: type, size: picture.length, ...(name === undefined ? {} : { name }) };
    } catch (thrown) {
      yield { kind: 'fault', reason: asAlarmflowError(thrown).message, bytes: message.body.length };
    }
  }
}

/** The lines of a CGI answer, where the bytes are nothing else. */
function answerLines(bytes: Buffer): [string, string][] | null {
  const text = bytes.toString('utf8', 0, Math.min(bytes.length, 1 << 20)).trim();
  const first = text.split(/[\r\n]/, 1)[0] ?? '';
  if (!/^(?:d[io]\d{1,3}=|[a-z]+(?:_[\w]+)+=')/.test(first)) return null;
  // One poll after another: the same input comes again and again.
  if (/^d[io]/.test(first)) return text.split(/[\r\n]+/).flatMap((line) => [...parseParams(line)]);
  const params = [...parseParams(text)];
  return params.length > 0 ? params : null;
}
