import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { findFetched, findProgram, reportAbsent } from '@quorate/test-servers';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';

/** Not part of what is kept in version control. */
export const SCREENSHOTS: string = path.join(import.meta.dirname, '../../screenshots');

/**
 * The program: what `CHROMIUM_PATH` names, or what is on the PATH or fetched already. It is fetched, which takes a
 * minute or two, only where its absence would be an error. Undefined, and said, where there is none.
 */
function findChromium(): string | undefined {
  const isRequired = process.env['QUORATE_REQUIRE_SERVERS']?.split(',').includes('chromium') === true;
  const found = process.env['CHROMIUM_PATH'] ?? (isRequired ? findProgram('chromium') : findFetched('chromium'));
  if (found === undefined) reportAbsent('chromium');
  return found;
}

export const CHROMIUM: string | undefined = findChromium();

export function launch(): Promise<Browser> {
  // Without its sandbox, which root can't have: the pages are ours.
  return chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** What went wrong on the page: errors, and what its content security policy refused. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    // That a connection is refused is said by the browser, however well the page takes it.
    if (message.type() === 'error' && !message.text().includes('ERR_')) complaints.push(message.text());
  });
  return complaints;
}

/** What a person who can't see or point would stumble on, as axe has it. */
export async function barriersOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>(
    "axe.run({ resultTypes: ['violations'], elementRef: false })",
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`));
}

/** Kept to be looked at; not compared. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
}
