/** What driving an output finds out is on record and told at once. */
import type { Announce } from '../domain/announcements';
import { type AlarmflowError, asAlarmflowError, isConnecting } from '../domain/errors';
import type { Log } from '../domain/log';
import type { OutputState } from '../domain/outputs';
import { emptyChange, type RecordWriter } from '../domain/record';
import type { ManagedOutput } from './managed';
import { writeOutput } from './writes';

export interface KeepParts {
  writer: RecordWriter;
  log: Log;
  announce: Announce;
}

export async function keep(parts: KeepParts, output: ManagedOutput, fields: Partial<OutputState>): Promise<void> {
  output.state = { ...output.state, ...fields };
  const change = emptyChange();
  writeOutput(change, output.state);
  await parts.writer.commit(change.writes);
  parts.announce({ kind: 'output', data: { id: output.state.id } });
}

export async function keepFailure(parts: KeepParts, output: ManagedOutput, error: AlarmflowError): Promise<void> {
  // A device that is away fails the same way for hours; only news is written.
  if (output.state.lastError === error.message) return;
  // At every start outputs are driven before their devices are connected: that is no news.
  parts.log[isConnecting(error) ? 'debug' : 'warn']('output.not-driven', {
    output: output.state.id,
    desired: output.state.desired,
    code: error.code,
    error: error.message,
  });
  try {
    await keep(parts, output, { lastError: error.message });
  } catch (thrown) {
    // The caller is told of the device's failure, which is the older trouble; this one goes to the log.
    parts.log.error('output.failure-not-kept', { output: output.state.id, error: asAlarmflowError(thrown).message });
  }
}
