/** Headless Chromium for tests of what a person sees. */
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { removeFolder } from './remove-folder';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** Why no browser can be started here, or null. */
export function chromiumMissing(): string | null {
  return existsSync(CHROMIUM) ? null : `there is no browser at ${CHROMIUM}: install chromium or set CHROMIUM_PATH`;
}

export interface Browser {
  context: BrowserContext;
  /** Errors of pages and their consoles. */
  complaints: string[];
  close(): Promise<void>;
}

export async function openBrowser(
  options: { width?: number; height?: number; colorScheme?: 'light' | 'dark' } = {},
): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'alarmflow-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    timeout: 120_000,
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
    colorScheme: options.colorScheme ?? 'light',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  // They only end what hangs; on a busy machine the editor alone takes many seconds to load.
  context.setDefaultTimeout(40_000);
  context.setDefaultNavigationTimeout(90_000);
  const complaints: string[] = [];
  context.on('page', (page) => {
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  });
  return {
    context,
    complaints,
    async close() {
      await context.close();
      await removeFolder(profile);
    },
  };
}
