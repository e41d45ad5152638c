/** One write to a board, once: not held, not undone when the alarm ends. */
export interface ModbusWrite {
  table: 'coil' | 'register';
  /** As on the wire, from 0. */
  address: number;
  /** A coil: 0 or 1; a register: 0–65,535. */
  value: number;
  /** Unit behind a gateway, 0–255; null: the board's own. */
  unit: number | null;
  /** With function 15 or 16 instead of 5 or 6. */
  multiple: boolean;
  /** Reads it again, and only what is there counts. */
  readBack: boolean;
  /** After so many milliseconds the other value is written; null: the value stays. */
  pulse: { ms: number; rest: number } | null;
}

/** Longest pulse of one write; what is on for longer is held by an alarm output. */
export const LONGEST_PULSE_MS = 60_000;
