import type { ActionRow } from '../domain/actions';
import type { Alarm, Decision } from '../domain/alarms';
import type { DeviceEvent } from '../domain/events';
import { idAfter } from '../domain/ids';
import type { AlarmMedia } from '../domain/media';
import { orderActions } from '../domain/order-facts';
import type { Lease, OutputState } from '../domain/outputs';
import type {
  AuditRow,
  CaughtMail,
  ExplainedEvent,
  FlowMessageRow,
  GateStateRow,
  RecordReader,
  ResumeReader,
  StandingRow,
  TimerRow,
} from '../domain/record';
import type { WhyRecord } from '../domain/why';
import { actionColumns, actionOf } from './action-record';
import type { Database } from './database';
import { decisionsIn, type Filtered } from './filtered';
import { jsonText, plainText } from './json-text';

const LARGEST_PAGE = 1_000;
const bounded = (limit: number): number =>
  Number.isFinite(limit) ? Math.min(LARGEST_PAGE, Math.max(0, Math.floor(limit))) : LARGEST_PAGE;

const decisionColumns = `id, at, event_id AS "eventId", trigger_id AS "triggerId", alarm_id AS "alarmId", outcome,
  reason, detail, alarm_key AS key, opens_at AS "opensAt"`;

type DecisionColumns = Omit<Decision, 'opensAt' | 'key'> & { opensAt: number | null; key: string | null };

const decisionOf = ({ opensAt, key, ...decision }: DecisionColumns): Decision => ({
  ...decision,
  ...(key !== null && { key }),
  ...(opensAt !== null && { opensAt }),
});

/** Conditions of a query that was asked for with some of its filters, numbered as they come. */
function conditions(): { add(text: string, value: unknown): void; where(): string; params: unknown[] } {
  const texts: string[] = [];
  const params: unknown[] = [];
  return {
    add(text, value) {
      params.push(typeof value === 'string' ? plainText(value) : value);
      texts.push(text.replaceAll('?', `$${params.length}`));
    },
    where: () => (texts.length > 0 ? `WHERE ${texts.join(' AND ')}` : ''),
    params,
  };
}

export function createResumeReader(database: Database): ResumeReader {
  return {
    resume: () =>
      database.transaction(async (query) => {
        const docs = async <T>(sql: string): Promise<T[]> => (await query<{ doc: T }>(sql)).map((row) => row.doc);
        // What there may be thousands of comes as text: parsed on its side of the thread, it would be copied as well.
        const states = await query<Omit<GateStateRow, 'state'> & { state: string }>(
          'SELECT trigger_id AS "triggerId", key, state::text FROM alarmflow.gate_states ORDER BY trigger_id, key',
        );
        const alarms = await docs<string>(
          'SELECT doc::text FROM alarmflow.alarms WHERE ended_at IS NULL ORDER BY raised_at, id',
        );
        return {
          gateStates: states.map((row): GateStateRow => ({ ...row, state: JSON.parse(row.state) })),
          alarms: alarms.map((text): Alarm => JSON.parse(text)),
          timers: await query<TimerRow>('SELECT id, kind, at, payload FROM alarmflow.timers ORDER BY at, id'),
          flowMessages: await query<FlowMessageRow>(
            `SELECT message_id AS "messageId", trigger_id AS "triggerId", alarm_id AS "alarmId",
                    created_at AS "createdAt", message
               FROM alarmflow.flow_messages ORDER BY created_at, message_id`,
          ),
          leases: await docs<Lease>('SELECT doc FROM alarmflow.leases ORDER BY id'),
          outputs: await docs<OutputState>('SELECT doc FROM alarmflow.outputs ORDER BY id'),
          standing: await query<StandingRow>('SELECT id, kind, doc FROM alarmflow.standing ORDER BY id'),
        };
      }, 'snapshot'),
  };
}

export function createRecordReader(database: Database): RecordReader & WhyRecord {
  async function explain(events: DeviceEvent[]): Promise<ExplainedEvent[]> {
    if (events.length === 0) return [];
    // One look-up for each event, whatever the planner thinks of a table without statistics: ordered by id, it would
    // read the whole journal for every page.
    const rows = await database.query<DecisionColumns>(
      `SELECT d.* FROM unnest($1::text[]) e(event)
         CROSS JOIN LATERAL (
           SELECT ${decisionColumns} FROM alarmflow.decisions WHERE event_id = e.event OFFSET 0) d`,
      [events.map((event) => event.id)],
    );
    const folded = await database.query<{ id: string; filtered: Filtered[] }>(
      'SELECT id, filtered FROM alarmflow.events WHERE id = ANY($1::text[]) AND filtered IS NOT NULL',
      [events.map((event) => event.id)],
    );
    const filteredOf = new Map(folded.map(({ id, filtered }) => [id, filtered]));
    const decisions = [
      ...rows.map(decisionOf),
      ...events.flatMap((event) => decisionsIn(event, filteredOf.get(event.id) ?? [])),
    ].sort((a, b) => (a.id < b.id ? -1 : 1));
    const byEvent = Map.groupBy(decisions, (decision) => decision.eventId ?? '');
    return events.map((event) => ({ event, decisions: byEvent.get(event.id) ?? [] }));
  }

  async function actions(filter: Partial<Parameters<RecordReader['actions']>[0]>, limit: number): Promise<ActionRow[]> {
    const asked = conditions();
    if (filter.status !== undefined) asked.add('status = ?', filter.status);
    if (filter.trouble) asked.add('status = ANY(?::text[])', ['failed', 'expired']);
    if (filter.alarmId !== undefined) asked.add('alarm_id = ?', filter.alarmId);
    if (filter.before !== undefined) {
      const place = 'SELECT b.requested_at, b.key FROM alarmflow.actions b WHERE b.key = ?';
      asked.add(`(requested_at, key) < (${place})`, filter.before);
    }
    const rows = await database.query<Parameters<typeof actionOf>[0]>(
      `SELECT ${actionColumns} FROM alarmflow.actions ${asked.where()}
        ORDER BY requested_at DESC, key DESC LIMIT ${limit}`,
      asked.params,
    );
    return rows.map(actionOf);
  }

  return {
    async events(query) {
      const asked = conditions();
      if (query.after !== undefined) asked.add('id > ?', query.after);
      if (query.before !== undefined) asked.add('id < ?', query.before);
      if (query.deviceId !== undefined) asked.add('device_id = ?', query.deviceId);
      if (query.type !== undefined) asked.add('type = ?', query.type);
      // Whoever follows with `after` must not miss any: the page then holds the oldest that come after it.
      const following = query.after !== undefined && query.before === undefined;
      const rows = await database.query<{ doc: DeviceEvent }>(
        `SELECT doc FROM alarmflow.events ${asked.where()}
          ORDER BY id ${following ? 'ASC' : 'DESC'} LIMIT ${bounded(query.limit)}`,
        asked.params,
      );
      const events = rows.map((row) => row.doc);
      if (following) events.reverse();
      return query.decisions === false ? events.map((event) => ({ event, decisions: [] })) : explain(events);
    },
    async event(id) {
      const rows = await database.query<{ doc: DeviceEvent }>('SELECT doc FROM alarmflow.events WHERE id = $1', [
        plainText(id),
      ]);
      return (await explain(rows.map((row) => row.doc)))[0] ?? null;
    },
    async alarms(query) {
      const asked = conditions();
      if (query.before !== undefined) {
        asked.add(`(raised_at, id) < (SELECT b.raised_at, b.id FROM alarmflow.alarms b WHERE b.id = ?)`, query.before);
      }
      if (query.acknowledgedAs !== undefined) asked.add(`doc->>'acknowledgedAs' = ?`, query.acknowledgedAs);
      const only = asked.where();
      const rows = await database.query<{ doc: Alarm }>(
        `SELECT doc FROM alarmflow.alarms ${query.live ? `${only ? `${only} AND` : 'WHERE'} ended_at IS NULL` : only}
          ORDER BY raised_at DESC, id DESC LIMIT ${bounded(query.limit)}`,
        asked.params,
      );
      return rows.map((row) => row.doc);
    },
    async alarm(id) {
      const rows = await database.query<{ doc: Alarm }>('SELECT doc FROM alarmflow.alarms WHERE id = $1', [
        plainText(id),
      ]);
      const alarm = rows[0]?.doc;
      if (!alarm) return null;
      const decisions = await database.query<DecisionColumns>(
        `SELECT ${decisionColumns} FROM alarmflow.decisions WHERE alarm_id = $1 ORDER BY id DESC LIMIT ${LARGEST_PAGE}`,
        [alarm.id],
      );
      return {
        alarm,
        decisions: decisions.map(decisionOf),
        actions: await actions({ alarmId: alarm.id }, LARGEST_PAGE),
        media: await database.query<AlarmMedia>(
          `SELECT r.alarm_id AS "alarmId", r.media_id AS "mediaId", r.kind, r.device_id AS "deviceId", r.channel, r.at,
                  r.until_at AS "until", r.note, m.content_type AS "contentType", m.size, m.name
             FROM alarmflow.alarm_media r JOIN alarmflow.media m ON m.id = r.media_id
            WHERE r.alarm_id = $1 ORDER BY r.at, r.media_id LIMIT ${LARGEST_PAGE}`,
          [alarm.id],
        ),
      };
    },
    async decisionsOf({ triggerId, after, withinMs, limit }) {
      // Ids begin with their time: the key alone narrows it to the span, whatever the journal holds.
      const rows = await database.query<DecisionColumns>(
        `SELECT ${decisionColumns} FROM alarmflow.decisions
          WHERE id > $1 AND id < $2 AND trigger_id = $3 ORDER BY id LIMIT ${bounded(limit)}`,
        [plainText(after), idAfter(after, withinMs), plainText(triggerId)],
      );
      return rows.map(decisionOf);
    },
    async alarmsOfEvent({ eventId, from, until, limit }) {
      const rows = await database.query<{ doc: Alarm }>(
        `SELECT doc FROM alarmflow.alarms
          WHERE raised_at >= $1 AND raised_at <= $2 AND doc->'event'->>'id' = $3
          ORDER BY raised_at, id LIMIT ${bounded(limit)}`,
        [Math.floor(from), Math.ceil(until), plainText(eventId)],
      );
      return rows.map((row) => row.doc);
    },
    actions: (query) => actions(query, bounded(query.limit)),
    async mails(limit) {
      const rows = await database.query<{ doc: CaughtMail }>(
        `SELECT doc FROM alarmflow.mails ORDER BY received_at DESC, id DESC LIMIT ${bounded(limit)}`,
      );
      return rows.map((row) => row.doc);
    },
    async keepMail(mail) {
      await database.query(
        `INSERT INTO alarmflow.mails SELECT e->>'id', ceil((e->>'receivedAt')::numeric), e FROM (SELECT $1::jsonb) x(e)
         ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at, doc = excluded.doc`,
        [jsonText(mail)],
      );
    },
    async audit(query) {
      const asked = conditions();
      if (query.after !== undefined) asked.add('id > ?', query.after);
      if (query.before !== undefined) asked.add('id < ?', query.before);
      if (query.from !== undefined) asked.add('at >= ?', Math.ceil(query.from));
      if (query.to !== undefined) asked.add('at < ?', Math.ceil(query.to));
      if (query.orders) asked.add('action = ANY(?::text[])', orderActions);
      const following = query.after !== undefined && query.before === undefined;
      const rows = await database.query<Omit<AuditRow, 'facts'> & { facts: AuditRow['facts'] | null }>(
        `SELECT id, at, who, action, subject, detail, facts FROM alarmflow.audit ${asked.where()}
          ORDER BY id ${following ? 'ASC' : 'DESC'} LIMIT ${bounded(query.limit)}`,
        asked.params,
      );
      const lines = rows.map(({ facts, ...row }) => (facts === null || facts === undefined ? row : { ...row, facts }));
      return following ? lines.reverse() : lines;
    },
  };
}
