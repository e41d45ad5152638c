/** Second layout: rows that stand until they are lifted (arming, shelves, escalations, levels of rules). */
export const schema2 = /* sql */ `
CREATE TABLE alarmflow.standing (id text PRIMARY KEY, kind text NOT NULL, doc jsonb NOT NULL) WITH (fillfactor = 70);

ALTER FUNCTION alarmflow.apply_writes(jsonb) RENAME TO apply_first_writes;

CREATE FUNCTION alarmflow.apply_writes(w jsonb) RETURNS integer LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
BEGIN
  IF w ? 'standingDeleted' THEN
    DELETE FROM alarmflow.standing t USING jsonb_array_elements_text(w->'standingDeleted') x(id) WHERE t.id = x.id;
  END IF;
  IF w ? 'standing' THEN
    INSERT INTO alarmflow.standing
    SELECT x.id, x.kind, COALESCE(x.doc, 'null')
      FROM jsonb_to_recordset(w->'standing') x(id text, kind text, doc jsonb)
    ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, doc = excluded.doc;
  END IF;
  RETURN alarmflow.apply_first_writes(w);
END
$body$;
`;
