/** Fifth layout: what a kept file was made from, and which alarms it belongs to. */
export const schema5 = /* sql */ `
ALTER TABLE alarmflow.media ADD COLUMN origin text;
CREATE UNIQUE INDEX media_origin ON alarmflow.media (origin) WHERE origin IS NOT NULL;

CREATE TABLE alarmflow.alarm_media (
  alarm_id text NOT NULL, media_id text NOT NULL, kind text NOT NULL, device_id text NOT NULL, channel integer,
  at bigint NOT NULL, until_at bigint, note text, PRIMARY KEY (alarm_id, media_id));
CREATE INDEX alarm_media_file ON alarmflow.alarm_media (media_id);

ALTER FUNCTION alarmflow.apply_writes(jsonb) RENAME TO apply_fourth_writes;

CREATE FUNCTION alarmflow.apply_writes(w jsonb) RETURNS integer LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
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
  RETURN alarmflow.apply_fourth_writes(w - 'media');
END
$body$;
`;
