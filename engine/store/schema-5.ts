/** Fifth layout: what a kept file was made from, and which alarms it belongs to. */
export const schema5 = /* sql */ `
ALTER TABLE alarmflow.media ADD COLUMN origin text;
CREATE UNIQUE INDEX media_origin ON alarmflow.media (origin) WHERE origin IS NOT NULL;

CREATE TABLE alarmflow.alarm_media (
  alarm_id text NOT NULL, media_id text NOT NULL, kind text NOT NULL, device_id text NOT NULL, channel integer,
  at bigint NOT NULL, until_at bigint, note text, PRIMARY KEY (alarm_id, media_id));
CREATE INDEX alarm_media_file ON alarmflow.alarm_media (media_id);
`;
