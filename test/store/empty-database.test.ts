import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../engine/domain/log';
import { makeEmptyDatabase } from '../../engine/store/empty-database';
import { temporaryFolder } from '../support/temporary-folder';

describe('an empty database', () => {
  it('takes away the drafts of a start that was killed, and nothing else', async () => {
    const data = await temporaryFolder();
    mkdirSync(join(data, 'record.8591.6161894075915'));
    writeFileSync(join(data, 'record.8591.6161894075915', 'PG_VERSION'), '17');
    mkdirSync(join(data, 'record.torn-2026-01-01T00-00-00-000Z'));
    writeFileSync(join(data, 'record.state'), '{}');
    await makeEmptyDatabase(join(data, 'record'), silentLog);
    expect(readdirSync(data).sort()).toEqual(['record', 'record.state', 'record.torn-2026-01-01T00-00-00-000Z']);
  });
});
