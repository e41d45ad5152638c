/**
 * First layout of the record. Times are wall milliseconds. Whole rows lie in `doc`; what is searched or
 * changed alone has its own column. Every name is written with its schema: the search path of the
 * embedded session belongs to BullMQ.
 */
export const schema1 = /* sql */ `
CREATE TABLE alarmflow.events (
  id text PRIMARY KEY, device_id text NOT NULL, type text NOT NULL, received_at bigint NOT NULL, doc jsonb NOT NULL);
CREATE INDEX events_device ON alarmflow.events (device_id, id);
CREATE INDEX events_type ON alarmflow.events (type, id);

CREATE TABLE alarmflow.decisions (
  id text PRIMARY KEY, at bigint NOT NULL, event_id text, trigger_id text, alarm_id text,
  outcome text NOT NULL, reason text NOT NULL, detail text NOT NULL);
CREATE INDEX decisions_event ON alarmflow.decisions (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX decisions_alarm ON alarmflow.decisions (alarm_id, id) WHERE alarm_id IS NOT NULL;

CREATE TABLE alarmflow.alarms (
  id text PRIMARY KEY, trigger_id text NOT NULL, raised_at bigint NOT NULL, ended_at bigint, doc jsonb NOT NULL)
  WITH (fillfactor = 80);
CREATE INDEX alarms_raised ON alarmflow.alarms (raised_at, id);
CREATE INDEX alarms_live ON alarmflow.alarms (id) WHERE ended_at IS NULL;

CREATE TABLE alarmflow.gate_states (
  trigger_id text NOT NULL, key text NOT NULL, state jsonb NOT NULL, PRIMARY KEY (trigger_id, key))
  WITH (fillfactor = 70);

CREATE TABLE alarmflow.timers (
  id text PRIMARY KEY, kind text NOT NULL, at bigint NOT NULL, payload jsonb NOT NULL) WITH (fillfactor = 70);

CREATE TABLE alarmflow.flow_messages (
  message_id text PRIMARY KEY, trigger_id text NOT NULL, alarm_id text NOT NULL, created_at bigint NOT NULL,
  message jsonb NOT NULL);

CREATE TABLE alarmflow.actions (
  key text PRIMARY KEY, alarm_id text, node_id text NOT NULL, kind text NOT NULL, status text NOT NULL,
  attempts integer NOT NULL, requested_at bigint NOT NULL, deadline_at bigint NOT NULL, started_at bigint,
  finished_at bigint, duration_ms double precision, summary text, error_code text, request jsonb NOT NULL)
  WITH (fillfactor = 70);
CREATE INDEX actions_requested ON alarmflow.actions (requested_at, key);
CREATE INDEX actions_alarm ON alarmflow.actions (alarm_id) WHERE alarm_id IS NOT NULL;
CREATE INDEX actions_open ON alarmflow.actions (requested_at, key)
  WHERE status IN ('queued', 'running', 'retrying');

CREATE TABLE alarmflow.leases (
  id text PRIMARY KEY, output_id text NOT NULL, alarm_id text, doc jsonb NOT NULL) WITH (fillfactor = 70);

CREATE TABLE alarmflow.outputs (id text PRIMARY KEY, doc jsonb NOT NULL) WITH (fillfactor = 50);

CREATE TABLE alarmflow.settings (name text PRIMARY KEY, value jsonb NOT NULL);

CREATE TABLE alarmflow.audit (
  id text PRIMARY KEY, at bigint NOT NULL, who text NOT NULL, action text NOT NULL, subject text NOT NULL,
  detail text NOT NULL);

CREATE TABLE alarmflow.users (
  name text PRIMARY KEY, role text NOT NULL, password_hash text NOT NULL, created_at bigint NOT NULL,
  last_login_at bigint);

CREATE TABLE alarmflow.media (
  id text PRIMARY KEY, at bigint NOT NULL, size bigint NOT NULL, content_type text NOT NULL, name text);

CREATE TABLE alarmflow.mails (id text PRIMARY KEY, received_at bigint NOT NULL, doc jsonb NOT NULL);
CREATE INDEX mails_received ON alarmflow.mails (received_at, id);

CREATE TABLE alarmflow.flow_storage (what text PRIMARY KEY, value jsonb NOT NULL);

-- Plans are kept from the first call on, when the tables are empty and reading them whole looks cheapest. With these
-- settings each row is found by its key; without, a busy site reads thousands of pages for every write.
CREATE FUNCTION alarmflow.apply_writes(w jsonb) RETURNS integer LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
-- Returns how many of the actions were new.
DECLARE
  new_actions integer := 0;
BEGIN
  IF w ? 'events' THEN
    INSERT INTO alarmflow.events
    SELECT e->>'id', e->>'deviceId', e->>'type', ceil((e->>'receivedAt')::numeric), e
      FROM jsonb_array_elements(w->'events') e
    ON CONFLICT (id) DO UPDATE SET device_id = excluded.device_id, type = excluded.type,
      received_at = excluded.received_at, doc = excluded.doc;
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
    INSERT INTO alarmflow.decisions
    SELECT x.id, ceil(x.at), x."eventId", x."triggerId", x."alarmId", x.outcome, x.reason, x.detail
      FROM jsonb_to_recordset(w->'decisions') x(id text, at numeric, "eventId" text, "triggerId" text, "alarmId" text,
        outcome text, reason text, detail text)
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, event_id = excluded.event_id, trigger_id = excluded.trigger_id,
      alarm_id = excluded.alarm_id, outcome = excluded.outcome, reason = excluded.reason, detail = excluded.detail;
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
     WHERE t.key = x.key AND t.status IN ('queued', 'running', 'retrying');
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
  IF w ? 'audit' THEN
    INSERT INTO alarmflow.audit
    SELECT x.id, ceil(x.at), x.who, x.action, x.subject, x.detail
      FROM jsonb_to_recordset(w->'audit') x(id text, at numeric, who text, action text, subject text, detail text)
    ON CONFLICT (id) DO NOTHING;
  END IF;
  IF w ? 'media' THEN
    INSERT INTO alarmflow.media
    SELECT x.id, ceil(x.at), x.size, x."contentType", x.name
      FROM jsonb_to_recordset(w->'media') x(id text, at numeric, size bigint, "contentType" text, name text)
    ON CONFLICT (id) DO NOTHING;
  END IF;
  RETURN new_actions;
END
$body$;
`;
