/** The one place where a handler is kept from doing anything: nothing of a dry run leaves the process. */
import type { ActionHandler, ActionRow } from '../domain/actions';
import { asAlarmflowError } from '../domain/errors';

/** Parameter of a row whose own node makes a dry run; set by the host, unknown to the handlers. */
export const DRY_PARAM = 'dryRun';

export const isDryRow = (row: Pick<ActionRow, 'params'>): boolean => row.params[DRY_PARAM] === true;

/**
 * What the action would do, in a sentence. A handler that tells nothing of itself is named by kind and node.
 */
export function rehearsal(handler: ActionHandler, row: ActionRow): string {
  const what = told(handler, row) || `would do the action "${row.kind}" of node "${row.nodeName || row.nodeId}"`;
  return /^would\b/i.test(what) ? `Dry run: ${what}` : `Dry run, nothing done: ${what}`;
}

function told(handler: ActionHandler, row: ActionRow): string {
  try {
    return handler.rehearse?.(row).trim() ?? '';
  } catch (thrown) {
    // What it needs is not there: that is worth knowing before the first alarm.
    return `it could not be done. ${asAlarmflowError(thrown).message}`;
  }
}

/**
 * The handlers, none of which does anything while the site makes a dry run or for rows of nodes that make one: the row is
 * skipped, and says what would have been done. Asked anew before each attempt.
 */
export const withDryRun = (handlers: readonly ActionHandler[], siteIsDry: () => boolean): ActionHandler[] =>
  handlers.map((handler) => {
    const { rehearse, waitsFor } = handler;
    return {
      kind: handler.kind,
      heavy: handler.heavy,
      defaultDeadlineMs: handler.defaultDeadlineMs,
      attempts: handler.attempts,
      ...(handler.once ? { once: true } : {}),
      check: (params) => handler.check(params),
      ...(waitsFor ? { waitsFor: (row: ActionRow) => waitsFor.call(handler, row) } : {}),
      ...(rehearse ? { rehearse: (row: ActionRow) => rehearse.call(handler, row) } : {}),
      async execute(run) {
        if (!siteIsDry() && !isDryRow(run.row)) return handler.execute(run);
        return { status: 'skipped', summary: rehearsal(handler, run.row) };
      },
    };
  });
