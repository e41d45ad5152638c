import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { signalled } from '../../engine/cli/signalled';
import { VirtualClock } from '../../engine/clock/virtual-clock';

let clock: VirtualClock;
const exit = vi.fn();
let running: EventEmitter & { exit: typeof exit };
let signal: AbortSignal;

beforeEach(() => {
  exit.mockClear();
  clock = new VirtualClock(0);
  running = Object.assign(new EventEmitter(), { exit });
  signal = signalled(running, clock);
});

describe('signals', () => {
  it.each(['SIGINT', 'SIGTERM'])('begin a clean end at the first %s', (name) => {
    running.emit(name);
    expect(signal.aborted).toBe(true);
    expect(exit).not.toHaveBeenCalled();
  });

  it('leave the clean end alone when one Ctrl-C arrives from the terminal and from the launcher too', async () => {
    running.emit('SIGINT');
    await clock.advance(20);
    running.emit('SIGINT');
    expect(exit).not.toHaveBeenCalled();
  });

  it('end the process at once when somebody asks again', async () => {
    running.emit('SIGINT');
    await clock.advance(1_500);
    running.emit('SIGINT');
    expect(exit).toHaveBeenCalledWith(130);
  });
});
