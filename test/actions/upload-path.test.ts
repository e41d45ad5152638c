import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PATH, safePart, uploadPath } from '../../engine/actions/upload-path';
import type { ActionRow } from '../../engine/domain/actions';
import { anAlarm, aRow } from './action-bench';

const rowOf = (fields: Partial<ActionRow> = {}, alarm: Parameters<typeof anAlarm>[0] = {}): ActionRow =>
  aRow('sftp-upload', {}, { alarm: { ...anAlarm(alarm), phase: 'raise' }, ...fields });

describe('one part of a path', () => {
  it.each([
    ['..', '__'],
    ['.', '_'],
    ['', '_'],
    ['   ', '_'],
    ['.hidden', '_hidden'],
    ['a/b\\c', 'a_b_c'],
    ['a\0b\nc\u202ed', 'a_b_c_d'],
    ['tail. . ', 'tail'],
    ['Größe 5', 'Größe 5'],
    ['Gro\u0308ße', 'Größe'],
    ['what?*:<>|"', 'what_______'],
    ['CON', '_CON'],
    ['com1.txt', '_com1.txt'],
    ['console', 'console'],
    ['\ud800', '\ufffd'],
  ])('%j becomes %j', (text, part) => {
    expect(safePart(text)).toBe(part);
  });

  it('is always one visible name of at most 121 bytes that leads nowhere else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const part = safePart(text);
        expect(part).not.toMatch(/[\p{C}/\\]|^\.|[. ]$/u);
        expect(part).not.toBe('');
        expect(Buffer.byteLength(part)).toBeLessThanOrEqual(121);
        expect(safePart(part)).toBe(part);
      }),
    );
  });
});

describe('the path of an upload', () => {
  it('is made of site, device, day and type unless the node says otherwise', () => {
    const { directories, name } = uploadPath('', rowOf(), 'Depot');
    expect(directories).toEqual(['Depot', 'Hall camera', expect.stringMatching(/^2026-11-2\d$/)]);
    expect(name).toMatch(/^\d\d-\d\d-\d\d Temperature alarm-[0-9a-f]{12}$/);
    expect(DEFAULT_PATH.split('/')).toHaveLength(4);
  });

  it('takes slashes from the template only', () => {
    const alarm = { deviceName: '../../etc/cron.d' };
    const { directories } = uploadPath('/a//{{alarm.deviceName}}/../x', rowOf({}, alarm), 'Depot');
    expect(directories).toEqual(['a', '___.._etc_cron.d', '__']);
  });

  it('has a sign where an alarm does not say', () => {
    expect(uploadPath('{{alarm.rule}}/{{typo}}/x', rowOf(), 'Depot').directories).toEqual(['_', '{{typo}}']);
  });

  it('is the same at every try of an action', () => {
    const later = rowOf({ status: 'retrying', attempts: 3, finishedAt: 99 });
    expect(uploadPath('', later, 'Depot')).toEqual(uploadPath('', rowOf(), 'Depot'));
  });

  it('is that of no other action, whatever the template', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.string(), fc.string(), (template, one, other) => {
        fc.pre(one !== other);
        const name = (key: string) => uploadPath(template, rowOf({ key }), 'Depot').name;
        expect(name(one)).not.toBe(name(other));
      }),
    );
  });

  it('never leaves its directory, whatever device, site and template say', () => {
    const odd = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom('..', '../', '/', '\\..', '.'));
    fc.assert(
      fc.property(odd, odd, odd, (deviceName, site, template) => {
        const { directories, name } = uploadPath(
          `${template}/{{site}}/{{alarm.deviceName}}`,
          rowOf({}, { deviceName }),
          site,
        );
        expect(directories.length).toBeLessThanOrEqual(16);
        for (const part of [...directories, name]) expect(part).not.toMatch(/[\p{C}/\\]|^\.{1,2}$|^$/u);
      }),
    );
  });
});
