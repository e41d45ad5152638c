/**
 * The one statement of the record's writer, inside the database: all rows of a group of batches (`write-set.ts`) at once.
 * It goes with the newest layout; whoever changes it drops and makes it in a step of its own.
 *
 * Plans are kept from the first call on, when the tables are empty and reading them whole looks cheapest. With these
 * settings each row is found by its key; without, a busy site reads thousands of pages for every write. They are made
 * once for all values (`force_generic_plan`): left to itself PostgreSQL plans most of these statements at every call.
 */
export const applyWrites = /* sql */ `
CREATE FUNCTION alarmflow.apply_writes(w jsonb) RETURNS integer LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $body$
-- Returns how many of the actions were new.
DECLARE
  new_actions integer := 0;
BEGIN
  IF w ? 'media' THEN
    INSERT INTO alarmflow.media (id, at, size, content_type, name, origin)
    SELECT x.id, ceil(x.at), x.size, x."contentType", x.name, x.origin
      FROM jsonb_to_recordset(w->'media') x(id text, at numeric, size bigint, "contentType" text, name text, origin text)
    ON CONFLICT DO NOTHING;
  END IF;
  IF w ? 'alarmMedia' THEN
    INSERT INTO alarmflow.alarm_media (alarm_id, media_id, kind, device_id, channel, at, until_at, note)
    SELECT x."alarmId", x."mediaId", x.kind, x."deviceId", x.channel, ceil(x.at), ceil(x.until), x.note
      FROM jsonb_to_recordset(w->'alarmMedia') x("alarmId" text, "mediaId" text, kind text, "deviceId" text,
        channel integer, at numeric, until numeric, note text)
    ON CONFLICT (alarm_id, media_id) DO UPDATE SET kind = excluded.kind, device_id = excluded.device_id,
      channel = excluded.channel, at = excluded.at, until_at = excluded.until_at, note = excluded.note;
  END IF;
  IF w ? 'audit' THEN
    INSERT INTO alarmflow.audit (id, at, who, action, subject, detail, facts)
    SELECT x.id, ceil(x.at), x.who, x.action, x.subject, x.detail, x.facts
      FROM jsonb_to_recordset(w->'audit') x(id text, at numeric, who text, action text, subject text, detail text,
        facts jsonb)
    ON CONFLICT (id) DO NOTHING;
  END IF;
  IF w ? 'standingDeleted' THEN
    DELETE FROM alarmflow.standing t USING jsonb_array_elements_text(w->'standingDeleted') x(id) WHERE t.id = x.id;
  END IF;
  IF w ? 'standing' THEN
    INSERT INTO alarmflow.standing
    SELECT x.id, x.kind, COALESCE(x.doc, 'null')
      FROM jsonb_to_recordset(w->'standing') x(id text, kind text, doc jsonb)
    ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, doc = excluded.doc;
  END IF;
  IF w ? 'events' THEN
    INSERT INTO alarmflow.events (id, device_id, type, received_at, doc, filtered)
    SELECT x.doc->>'id', x.doc->>'deviceId', x.doc->>'type', ceil((x.doc->>'receivedAt')::numeric), x.doc, x.filtered
      FROM jsonb_to_recordset(w->'events') x(doc jsonb, filtered jsonb)
    ON CONFLICT (id) DO UPDATE SET device_id = excluded.device_id, type = excluded.type,
      received_at = excluded.received_at, doc = excluded.doc, filtered = COALESCE(excluded.filtered, events.filtered);
  END IF;
  IF w ? 'eventPictures' THEN
    -- A picture that the event has already is not added again: a batch may be sent twice.
    UPDATE alarmflow.events t
       SET doc = jsonb_set(t.doc, '{pictures}', COALESCE(t.doc->'pictures', '[]') || added.pictures)
      FROM (SELECT x."eventId" AS id, jsonb_agg(p.picture ORDER BY p.n) AS pictures
              FROM jsonb_to_recordset(w->'eventPictures') x("eventId" text, pictures jsonb)
              JOIN alarmflow.events o ON o.id = x."eventId"
              CROSS JOIN jsonb_array_elements(x.pictures) WITH ORDINALITY p(picture, n)
             WHERE NOT COALESCE(o.doc->'pictures', '[]')
                       @> jsonb_build_array(jsonb_build_object('mediaId', p.picture->'mediaId'))
             GROUP BY x."eventId") added
     WHERE t.id = added.id;
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
  IF w ? 'alarms' THEN
    INSERT INTO alarmflow.alarms
    SELECT e->>'id', e->>'triggerId', ceil((e->>'raisedAt')::numeric), ceil((e->>'endedAt')::numeric), e
      FROM jsonb_array_elements(w->'alarms') e
    ON CONFLICT (id) DO UPDATE SET trigger_id = excluded.trigger_id, raised_at = excluded.raised_at,
      ended_at = excluded.ended_at, doc = excluded.doc;
  END IF;
  IF w ? 'gateStatesDeleted' THEN
    DELETE FROM alarmflow.gate_states t
     USING jsonb_to_recordset(w->'gateStatesDeleted') x("triggerId" text, key text)
     WHERE t.trigger_id = x."triggerId" AND t.key = x.key;
  END IF;
  IF w ? 'gateStates' THEN
    INSERT INTO alarmflow.gate_states
    SELECT x."triggerId", x.key, COALESCE(x.state, 'null')
      FROM jsonb_to_recordset(w->'gateStates') x("triggerId" text, key text, state jsonb)
    ON CONFLICT (trigger_id, key) DO UPDATE SET state = excluded.state;
  END IF;
  IF w ? 'timersDeleted' THEN
    DELETE FROM alarmflow.timers t USING jsonb_array_elements_text(w->'timersDeleted') x(id) WHERE t.id = x.id;
  END IF;
  IF w ? 'timers' THEN
    INSERT INTO alarmflow.timers
    SELECT x.id, x.kind, ceil(x.at), x.payload
      FROM jsonb_to_recordset(w->'timers') x(id text, kind text, at numeric, payload jsonb)
    ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, at = excluded.at, payload = excluded.payload;
  END IF;
  IF w ? 'flowMessagesSettled' THEN
    DELETE FROM alarmflow.flow_messages t
     USING jsonb_array_elements_text(w->'flowMessagesSettled') x(id) WHERE t.message_id = x.id;
  END IF;
  IF w ? 'flowMessages' THEN
    INSERT INTO alarmflow.flow_messages
    SELECT x."messageId", x."triggerId", x."alarmId", ceil(x."createdAt"), x.message
      FROM jsonb_to_recordset(w->'flowMessages') x("messageId" text, "triggerId" text, "alarmId" text,
        "createdAt" numeric, message jsonb)
    ON CONFLICT (message_id) DO UPDATE SET trigger_id = excluded.trigger_id, alarm_id = excluded.alarm_id,
      created_at = excluded.created_at, message = excluded.message;
  END IF;
  IF w ? 'actions' THEN
    INSERT INTO alarmflow.actions (key, alarm_id, node_id, kind, status, attempts, requested_at, deadline_at,
      finished_at, duration_ms, summary, error_code, request)
    SELECT e->>'key', e->>'alarmId', e->>'nodeId', e->>'kind', e->>'status', (e->>'attempts')::integer,
      ceil((e->>'requestedAt')::numeric), ceil((e->>'deadlineAt')::numeric), ceil((e->>'finishedAt')::numeric),
      (e->>'durationMs')::double precision, e->>'summary', e->>'errorCode',
      jsonb_build_object('nodeName', e->'nodeName', 'phase', e->'phase', 'deviceId', e->'deviceId',
        'params', e->'params', 'alarm', e->'alarm')
      FROM jsonb_array_elements(w->'actions') e
    ON CONFLICT (key) DO NOTHING;
    GET DIAGNOSTICS new_actions = ROW_COUNT;
  END IF;
  IF w ? 'settlements' THEN
    UPDATE alarmflow.actions t
       SET status = x.status, summary = x.summary, error_code = x."errorCode", finished_at = ceil(x."finishedAt"),
           duration_ms = x."durationMs", attempts = GREATEST(t.attempts, x.attempts),
           started_at = COALESCE(t.started_at, ceil(x."finishedAt" - x."durationMs"))
      FROM jsonb_to_recordset(w->'settlements') x(key text, status text, summary text, "errorCode" text,
        "finishedAt" numeric, "durationMs" double precision, attempts integer)
     -- The planner must neither see the condition of the index of open actions in this nor think it rare: in the plan
     -- of an empty table every outcome then reads all actions that have been open since the last clean-up.
     WHERE t.key = x.key AND CASE WHEN t.status IN ('queued', 'running', 'retrying') THEN true ELSE false END;
  END IF;
  IF w ? 'leasesDeleted' THEN
    DELETE FROM alarmflow.leases t USING jsonb_array_elements_text(w->'leasesDeleted') x(id) WHERE t.id = x.id;
  END IF;
  IF w ? 'leases' THEN
    INSERT INTO alarmflow.leases
    SELECT e->>'id', e->>'outputId', e->>'alarmId', e FROM jsonb_array_elements(w->'leases') e
    ON CONFLICT (id) DO UPDATE SET output_id = excluded.output_id, alarm_id = excluded.alarm_id, doc = excluded.doc;
  END IF;
  IF w ? 'outputsDeleted' THEN
    DELETE FROM alarmflow.outputs t USING jsonb_array_elements_text(w->'outputsDeleted') x(id) WHERE t.id = x.id;
  END IF;
  IF w ? 'outputs' THEN
    INSERT INTO alarmflow.outputs SELECT e->>'id', e FROM jsonb_array_elements(w->'outputs') e
    ON CONFLICT (id) DO UPDATE SET doc = excluded.doc;
  END IF;
  RETURN new_actions;
END
$body$;
`;
