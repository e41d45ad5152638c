/** Second layout: rows that stand until they are lifted (arming, shelves, escalations, levels of rules). */
export const schema2 = /* sql */ `
CREATE TABLE alarmflow.standing (id text PRIMARY KEY, kind text NOT NULL, doc jsonb NOT NULL) WITH (fillfactor = 70);
`;
