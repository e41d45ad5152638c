/** Fourth layout: the audit trail keeps what an order was, so that a recorded period can be simulated with its orders. */
export const schema4 = /* sql */ `
ALTER TABLE alarmflow.audit ADD COLUMN facts jsonb;
`;
