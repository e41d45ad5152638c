/** When a dialog of the flow editor can be used as a person would. */
import type { Page } from 'playwright-core';

/**
 * Waits until the dialog on top has come to rest. Node-RED slides it in and moves the focus to its first field 150 ms
 * after its fields are there: a key pressed or a place clicked before that reaches something else.
 */
export async function dialogAtRest(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const dialog = [...document.querySelectorAll('.red-ui-tray')].at(-1);
    return dialog?.contains(document.activeElement) && dialog.getAnimations().length === 0;
  });
}
