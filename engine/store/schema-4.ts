/** Fourth layout: the audit trail keeps what an order was, so that a recorded period can be simulated with its orders. */
export const schema4 = /* sql */ `
ALTER TABLE alarmflow.audit ADD COLUMN facts jsonb;

ALTER FUNCTION alarmflow.apply_writes(jsonb) RENAME TO apply_third_writes;

CREATE FUNCTION alarmflow.apply_writes(w jsonb) RETURNS integer LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
BEGIN
  IF w ? 'audit' THEN
    INSERT INTO alarmflow.audit (id, at, who, action, subject, detail, facts)
    SELECT x.id, ceil(x.at), x.who, x.action, x.subject, x.detail, x.facts
      FROM jsonb_to_recordset(w->'audit') x(id text, at numeric, who text, action text, subject text, detail text,
        facts jsonb)
    ON CONFLICT (id) DO NOTHING;
    RETURN alarmflow.apply_third_writes(w - 'audit');
  END IF;
  RETURN alarmflow.apply_third_writes(w);
END
$body$;
`;
