import type { Payload } from './payload';

/**
 * A message as a line of a capture. A payload that is an object or a list stands there as it came and not as a string:
 * with its quotes escaped, the names of secrets in it would not be found when the capture is cleaned.
 */
export function capturedLine(
  topic: string,
  payload: Payload,
  { retain, qos }: { retain: boolean; qos: number },
): string {
  const value = payload.json();
  const structured = typeof value === 'object' && value !== null;
  // Line ends can only be blank space there: inside strings JSON has them escaped.
  const told = structured ? payload.text.replace(/[\r\n]+/g, ' ') : JSON.stringify(payload.text);
  return `{"topic":${JSON.stringify(topic)},"payload":${told},"retain":${retain},"qos":${qos}}\n`;
}
