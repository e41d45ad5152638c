import type { Message } from './messages';
import { itemValue } from './messages';

/** One video channel of the device: its source, and the profiles that show it. */
export interface OnvifChannel {
  /** Counted from 1, in the order of the video sources. */
  channel: number;
  name: string;
  sourceToken: string;
  /** First profile: for pictures. */
  profileToken: string;
  /** First profile with a PTZ configuration, or null. */
  ptzProfileToken: string | null;
  /** Configurations of its analysis, whose rules can be asked for. Absent: it has none. */
  analyticsTokens?: readonly string[];
  /** Every token that messages may name it by: of sources, configurations and profiles. Text, never a number. */
  tokens: ReadonlySet<string>;
}

/** Names of items that carry a token of a channel, best first (PROTOCOLS §4.4). */
const channelItems = [
  'VideoSourceToken',
  'VideoSource',
  'VideoSourceConfigurationToken',
  'VideoSourceConfiguration',
  'Source',
  'VideoAnalyticsConfigurationToken',
  'VideoAnalyticsConfiguration',
  'AnalyticsConfiguration',
  'ProfileToken',
  'Channel',
  'AudioSourceConfigurationToken',
  'AudioSource',
];

/** Channel of a message, or undefined where its tokens name none that is known. */
export function channelOf(message: Message, channels: readonly OnvifChannel[]): number | undefined {
  let named = false;
  for (const name of channelItems) {
    const token = itemValue(message.source, name);
    if (token === undefined) continue;
    named = true;
    const found = channels.find((c) => c.sourceToken === token) ?? channels.find((c) => c.tokens.has(token));
    if (found) return found.channel;
  }
  // A device with one picture means that one, whatever it calls it.
  return (named || message.source.length === 0) && channels.length === 1 ? channels[0]?.channel : undefined;
}

/** What a message calls its channel, for events of a device whose sources are unknown. */
export const channelNameOf = (message: Message): string | undefined => itemValue(message.source, ...channelItems);
