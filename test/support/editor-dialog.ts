/** When the flow editor and its dialogs can be used as a person would. */
import type { Page } from 'playwright-core';

interface EditorPage {
  RED?: { nodes?: { node?(id: string): unknown } };
  jQuery: { fx: { off: boolean } };
}

/** Waits until the editor has loaded the flow in which this node is, and switches off what only costs time. */
export async function editorAtRest(page: Page, nodeId: string): Promise<void> {
  await page.waitForFunction((id) => {
    const { RED } = globalThis as unknown as EditorPage;
    return Boolean(RED?.nodes?.node?.(id)) && !document.querySelector('#red-ui-loading-progress:not([style*="none"])');
  }, nodeId);
  // Sliding trays and fading notices.
  await page.evaluate(() => {
    (globalThis as unknown as EditorPage).jQuery.fx.off = true;
  });
  await page.addStyleTag({ content: '* { transition: none !important; animation: none !important; }' });
}

/**
 * Waits until the dialog on top has come to rest. Node-RED slides it in and moves the focus to its first field 150 ms
 * after its fields are there: a key pressed or a place clicked before that reaches something else. 200 ms later it is
 * laid out once more, and 100 ms later raised above the sidebar, which is the last that happens to it.
 */
export async function dialogAtRest(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const dialog = [...document.querySelectorAll('.red-ui-tray')].at(-1);
    const stack = document.querySelector<HTMLElement>('#red-ui-editor-stack');
    return (
      dialog?.contains(document.activeElement) && dialog.getAnimations().length === 0 && stack?.style.zIndex === '13'
    );
  });
}

/** Presses a button that ends the dialog on top, and waits until it is gone. */
export async function endDialog(page: Page, button: string): Promise<void> {
  await page.click(button);
  await page.waitForSelector(button, { state: 'detached' });
}
