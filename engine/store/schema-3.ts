/** Third layout: decisions keep which condition they are about, and when the gate that refused was to open. */
export const schema3 = /* sql */ `
ALTER TABLE alarmflow.decisions ADD COLUMN alarm_key text, ADD COLUMN opens_at bigint;
`;
