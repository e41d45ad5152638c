/** Third layout: decisions keep which condition they are about, and when the gate that refused was to open. */
export const schema3 = /* sql */ `
ALTER TABLE alarmflow.decisions ADD COLUMN alarm_key text, ADD COLUMN opens_at bigint;

CREATE OR REPLACE FUNCTION alarmflow.apply_writes(w jsonb) RETURNS integer LANGUAGE plpgsql
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
  IF w ? 'decisions' THEN
    INSERT INTO alarmflow.decisions (id, at, event_id, trigger_id, alarm_id, outcome, reason, detail,
      alarm_key, opens_at)
    SELECT x.id, ceil(x.at), x."eventId", x."triggerId", x."alarmId", x.outcome, x.reason, x.detail, x.key,
      ceil(x."opensAt")
      FROM jsonb_to_recordset(w->'decisions') x(id text, at numeric, "eventId" text, "triggerId" text, "alarmId" text,
        outcome text, reason text, detail text, key text, "opensAt" numeric)
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, event_id = excluded.event_id, trigger_id = excluded.trigger_id,
      alarm_id = excluded.alarm_id, outcome = excluded.outcome, reason = excluded.reason, detail = excluded.detail,
      alarm_key = excluded.alarm_key, opens_at = excluded.opens_at;
  END IF;
  RETURN alarmflow.apply_first_writes(w - 'decisions');
END
$body$;
`;
