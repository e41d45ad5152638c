import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { follow, RETRY_MS, SILENCE_MS, type Source } from '../../ui/src/follow';

class FakeSource implements Source {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readyState = 0;
  readonly listeners = new Map<string, (message: { data: string }) => void>();
  addEventListener(kind: string, listener: (message: { data: string }) => void): void {
    this.listeners.set(kind, listener);
  }
  close(): void {
    this.readyState = 2;
  }
  say(kind: string, data: unknown = {}): void {
    this.listeners.get(kind)?.({ data: JSON.stringify(data) });
  }
  fail(readyState: number): void {
    this.readyState = readyState;
    this.onerror?.();
  }
}

describe('the stream of the console', () => {
  let sources: FakeSource[];
  let said: unknown[];
  let stop: () => void;
  const last = (): FakeSource => sources.at(-1) as FakeSource;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    sources = [];
    said = [];
    stop = follow(
      {
        onMessage: (message) => said.push(message),
        onLink: (up) => said.push(up),
        onRefused: () => said.push('refused'),
      },
      () => {
        const source = new FakeSource();
        sources.push(source);
        return source;
      },
    );
  });
  afterEach(() => {
    stop();
    vi.useRealTimers();
  });

  it('tells when it is there, and what it says', () => {
    last().onopen?.();
    last().say('popups', { popups: [] });
    expect(said).toEqual([true, { kind: 'popups', data: { popups: [] } }]);
  });

  it('leaves a broken connection to the browser, which tries again by itself', () => {
    last().onopen?.();
    last().fail(0);
    vi.advanceTimersByTime(RETRY_MS);
    expect(said).toEqual([true, false]);
    expect(sources).toHaveLength(1);
  });

  it('tries again where the browser has given up: the answer was none of a stream', () => {
    last().fail(2);
    expect(said).toEqual([false, 'refused']);
    vi.advanceTimersByTime(RETRY_MS);
    expect(sources).toHaveLength(2);
    last().onopen?.();
    expect(said.at(-1)).toBe(true);
  });

  it('takes a silent connection for dead and makes another', () => {
    last().onopen?.();
    vi.advanceTimersByTime(SILENCE_MS - 1);
    last().say('beat');
    vi.advanceTimersByTime(SILENCE_MS - 1);
    expect(said).toEqual([true]);
    vi.advanceTimersByTime(1);
    expect(said).toEqual([true, false]);
    expect(sources.map(({ readyState }) => readyState)).toEqual([2, 0]);
  });

  it('takes one that never opens for dead, too', () => {
    vi.advanceTimersByTime(SILENCE_MS);
    expect(sources).toHaveLength(2);
  });

  it('opens none after it was ended', () => {
    last().fail(2);
    stop();
    vi.advanceTimersByTime(SILENCE_MS + RETRY_MS);
    expect(sources).toHaveLength(1);
  });
});
