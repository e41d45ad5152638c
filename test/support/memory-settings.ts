import type { SettingsRecord } from '../../engine/domain/record';

/** Settings that live as long as the test; values go through JSON, as on disk. */
export function memorySettings(): SettingsRecord & { readonly written: Map<string, string> } {
  const written = new Map<string, string>();
  return {
    written,
    async readSetting<T>(name: string) {
      const text = written.get(name);
      return text === undefined ? null : (JSON.parse(text) as T);
    },
    async writeSetting(name, value) {
      written.set(name, JSON.stringify(value));
    },
  };
}
