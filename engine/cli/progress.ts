/** A bar on the terminal's error output; nothing where that is no terminal. */
export interface Progress {
  /** @param share done so far, 0–1; null while it is not known */
  show(share: number | null, text: string): void;
  /** Takes the bar away. */
  end(): void;
}

/** What of a terminal's stream is used. */
export interface Terminal {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

const WIDTH = 30;

export function createProgress(terminal: Terminal): Progress {
  if (terminal.isTTY !== true) return { show() {}, end() {} };
  let shown = false;
  return {
    show(share, text) {
      const filled = share === null ? 0 : Math.round(Math.min(1, Math.max(0, share)) * WIDTH);
      const bar =
        share === null ? '' : `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${Math.round(share * 100)} %  `;
      // Back to the line's start, and away with what the longer line before it has left.
      terminal.write(`\r${`${bar}${text}`.slice(0, (terminal.columns ?? 80) - 1)}\u001b[K`);
      shown = true;
    },
    end() {
      if (shown) terminal.write('\r\u001b[K');
      shown = false;
    },
  };
}
