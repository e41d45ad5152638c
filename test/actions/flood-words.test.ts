import { describe, expect, it } from 'vitest';
import { floodNote, floodSubject } from '../../engine/actions/flood-words';
import type { ActionRow } from '../../engine/domain/actions';

const row = (fields: object | null): Pick<ActionRow, 'alarm' | 'phase'> => ({
  phase: 'raise',
  alarm: fields === null ? null : ({ phase: 'raise', ...fields } as ActionRow['alarm']),
});
const flood = { area: 'Hall\r\nBcc: x', raises: 7, firstOut: false, grouped: false };

describe('a notice in a flood', () => {
  it('says how many alarms it stands for, and breaks no header', () => {
    const notice = row({ flood, floodNotice: 5 });
    expect(floodSubject(notice)).toBe('7 alarms in Hall Bcc: x, first: ');
    expect(floodNote(notice)).toContain('this notice stands for 7');
  });

  it('says at its beginning that notices are grouped from now on', () => {
    expect(floodSubject(row({ flood }))).toBe('');
    expect(floodNote(row({ flood }))).toContain('A flood of alarms has begun in Hall');
  });

  it.each([
    ['no flood', row({})],
    ['a plain message', row(null)],
    ['a grouped alarm', row({ flood: { ...flood, grouped: true } })],
  ])('says nothing of %s', (_what, given) => {
    expect(`${floodSubject(given)}${floodNote(given)}`).toBe('');
  });
});
