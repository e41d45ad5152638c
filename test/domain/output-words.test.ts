import { expect, it } from 'vitest';
import { outputWords } from '../../engine/domain/output-words';
import type { OutputKind } from '../../engine/domain/outputs';

it.each<[OutputKind, string, string]>([
  ['relay', '2', 'alarm output 2'],
  ['siren', '1', 'siren 1'],
  ['siren', 'buzzer', 'buzzer'],
  ['siren', 'speaker', 'speaker'],
  ['light', '1', 'light 1'],
])('calls the %s "%s" "%s"', (kind, output, words) => {
  expect(outputWords({ kind, output })).toBe(words);
});
