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
`;
