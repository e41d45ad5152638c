/**
 * Whether the whole site only writes down what it would do. Switched by an administrator and kept on disk, or held on for
 * as long as the process runs by `--dry-run`.
 */
import type { Clock } from '../clock/clock';
import { userError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { RecordWriter, SettingsRecord } from '../domain/record';

/** The site's dry run, as it is shown. */
export interface DryRunState {
  on: boolean;
  /** Who switched it last; null: nobody has, or the command line holds it on. */
  who: string | null;
  /** Wall milliseconds of that; null as before. */
  since: number | null;
  /** The command line or the settings hold it on: it cannot be switched off while the process runs. */
  held: boolean;
}

export interface DryRun {
  isOn(): boolean;
  state(): DryRunState;
  /** @throws E_DRY_RUN_HELD (user) where `--dry-run` holds it on */
  set(on: boolean, who: string): Promise<void>;
}

const SETTING = 'site-dry-run';

interface Stored {
  on: boolean;
  who: string;
  since: number;
}

export interface DryRunParts {
  settings: SettingsRecord;
  writer: RecordWriter;
  clock: Clock;
  /** `--dry-run`, or the setting `dryRun`. */
  held: boolean;
  /** It has turned and is on disk. */
  turned(on: boolean): void;
}

export async function openDryRun(parts: DryRunParts): Promise<DryRun> {
  const { settings, writer, clock, held } = parts;
  let stored = await settings.readSetting<Stored>(SETTING);
  const isOn = (): boolean => held || stored?.on === true;
  return {
    isOn,
    state: () => (held ? { on: true, who: null, since: null, held } : { ...(stored ?? nobody), held }),
    async set(on, who) {
      if (held)
        throw userError(
          'E_DRY_RUN_HELD',
          'The dry run is held on by --dry-run or the setting dryRun: start alarmflow without it to act for real',
        );
      if (isOn() === on) return;
      const at = clock.now();
      // The line first: what is switched off unseen would act unseen.
      await writer.commit({
        audit: [
          {
            id: sortableId(at),
            at,
            who,
            action: 'site.dry-run',
            subject: 'site',
            detail: on
              ? 'on: actions and outputs are written down and not done'
              : 'off: actions are done and outputs driven',
          },
        ],
      });
      const next: Stored = { on, who, since: at };
      await settings.writeSetting(SETTING, next);
      stored = next;
      parts.turned(on);
    },
  };
}

const nobody = { on: false, who: null, since: null };
