import type { SwitchKind } from '../../domain/devices';
import type { EventType } from '../../domain/events';
import type { Payload } from './payload';

/** What one message says about a thing. */
export type Sense =
  /** A two-state condition. `edge`: sent because it changed; else told again and again, which is none (PROTOCOLS §8). */
  | { kind: 'state'; of: 'input' | 'output'; type: EventType; vendorType: string; active: boolean; edge: boolean }
  | { kind: 'pulse'; type: EventType; vendorType: string; rule?: string }
  | { kind: 'availability'; by: 'thing' | 'bridge'; online: boolean }
  /** The thing refuses the last command. */
  | { kind: 'refusal'; reason: string };

export interface Publication {
  topic: string;
  payload: string;
  /** A call of Shelly's RPC: the connection adds id and sender. */
  rpc?: { method: string; params: Record<string, unknown> };
}

/** What switches a thing. Commands set, they never toggle. */
export interface ThingOutput {
  /** @param forMs the thing's own timer as a second net; null: none */
  on(forMs: number | null): Publication[];
  off(): Publication[];
  /** Asks for the state; empty where the thing can't be asked. */
  query: Publication[];
  /** Whether a state ever comes back: without one a command is proved by the broker's receipt alone. */
  confirms: boolean;
  /** Ask at once: it tells changes only, and may be as wanted already. */
  asksAtOnce: boolean;
  /** Most that the thing's own timer takes; null: it has none. */
  longestTimerMs: number | null;
  /** It is shown as a siren or light too. */
  switchKind: Extract<SwitchKind, 'siren' | 'light'> | null;
  /** Whenever it is on, its timer is set to this and renewed; null: not. */
  pulseMs: number | null;
}

/** One thing behind the broker, by its conventions. */
export interface Thing {
  name: string;
  topics: readonly string[];
  /** What a message on one of its topics says. Never throws. */
  read(topic: string, payload: Payload): Sense[];
  /**
   * What makes it tell all its states: things tell changes, and what changed while nobody listened stays unknown or,
   * worse, open. Empty where it can't be asked.
   */
  ask: Publication[];
  /** Its answer to `ask` looks like a change. */
  answersAlike?: true;
  /** What the answer to a call of Shelly's RPC in `ask` says. Never throws. */
  readAnswer?(result: unknown): Sense[];
  hasInput: boolean;
  eventTypes: readonly EventType[];
  output: ThingOutput | null;
}
