/** The log of the process: pino underneath, secrets taken out on the way. */
import { type Logger, pino } from 'pino';
import type { Log, LogFields } from '../domain/log';
import { createRedaction } from './redaction';
import { textLine } from './text-line';

export { withoutSecrets } from './captured-bytes';

export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error';
  /** `text`: one readable line each, for terminals; `json`: one JSON object each, for machines. */
  format: 'text' | 'json';
  /** Takes one line without its end; standard output when absent. */
  write?: (line: string) => void;
}

/** A log that can be told values that must never appear in it, in any field or message. */
export type SecretiveLog = Log & { addSecret(value: string): void };

/**
 * Makes the log. Values of fields named like a secret (password, token, cookie …, at any depth) and every value given
 * to `addSecret` are replaced by `[secret]`; passwords inside addresses are, too. It never throws.
 */
export function createLog(options: LogOptions): SecretiveLog {
  const write = options.write ?? ((line: string) => void process.stdout.write(`${line}\n`));
  const redaction = createRedaction();
  const root = pino(
    {
      level: options.level,
      base: undefined,
      ...(options.format === 'json' ? { formatters: { level: (label: string) => ({ level: label }) } } : {}),
    },
    {
      write(line: string) {
        const text = line.trimEnd();
        write(options.format === 'json' ? text : textLine(JSON.parse(text) as Record<string, unknown>));
      },
    },
  );

  /** `level`, `time` and `msg` are the logger's own names: a field of theirs is kept beside them. */
  function cleaned(fields: LogFields | undefined): Record<string, unknown> {
    try {
      const clean = redaction.value(fields ?? {}) as Record<string, unknown>;
      return Object.fromEntries(
        Object.entries(clean).map(([key, value]) => [/^(?:level|time|msg)$/.test(key) ? `${key}_` : key, value]),
      );
    } catch (thrown) {
      // A getter of the logged object threw: the line is worth more than the field.
      return { unloggable: redaction.text(String(thrown)) };
    }
  }

  const over = (logger: Logger): Log => ({
    debug: (event, fields) => {
      if (logger.isLevelEnabled('debug')) logger.debug(cleaned(fields), redaction.text(event));
    },
    info: (event, fields) => {
      if (logger.isLevelEnabled('info')) logger.info(cleaned(fields), redaction.text(event));
    },
    warn: (event, fields) => logger.warn(cleaned(fields), redaction.text(event)),
    error: (event, fields) => logger.error(cleaned(fields), redaction.text(event)),
    with: (fields) => over(logger.child(cleaned(fields))),
  });
  return { ...over(root), addSecret: redaction.addSecret };
}
