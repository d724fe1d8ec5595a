import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { serveNodes } from '../../src/dashboard/serve-nodes.ts';
import { openSession } from '../../src/demo/session.ts';
import type { Session } from '../../src/demo/session.ts';
import { barriersOf, CHROMIUM, complaintsOf, keepScreenshot, launch, SCREENSHOTS } from './browser.ts';
import { demoOptions } from './demo-run.ts';

const IS_ASKED = process.env['QUORATE_BROWSER_DEMO'] !== undefined;
/** Names the file that the picture of the documentation is written to. */
const PICTURE = process.env['QUORATE_DASHBOARD_PICTURE'];
const PATIENCE_MS = 60_000;
const WATCHED_MS = 20_000;

// Three processes under load, and a browser: in `.ci/run`, by QUORATE_BROWSER_DEMO.
describe.skipIf(!IS_ASKED || CHROMIUM === undefined)('the demo in a browser', () => {
  let browser: Browser;
  let session: Session;
  let page: Page;
  let complaints: readonly string[];

  beforeAll(async () => {
    browser = await launch();
    session = await openSession(demoOptions());
    for (const { id } of session.supervisor.nodes) session.supervisor.start(id);
    page = await browser.newPage({ viewport: { width: 1440, height: 940 }, colorScheme: 'dark' });
    page.setDefaultTimeout(PATIENCE_MS);
    complaints = complaintsOf(page);
    await page.goto(session.url);
    await session.traffic.start(AbortSignal.timeout(PATIENCE_MS));
  }, 2 * PATIENCE_MS);
  afterAll(async () => {
    await session[Symbol.asyncDispose]();
    await browser.close();
  }, PATIENCE_MS);

  const card = (id: string) => page.locator(`.card[data-node="${id}"]`);
  /** Who leads, as the page has it; waits for one that is not the one given. */
  async function leader(other = ''): Promise<string> {
    const found = page.locator(`.card.leads.good:not([data-node="${other}"])`);
    await found.waitFor();
    return (await found.getAttribute('data-node')) ?? '';
  }
  const accepted = async (): Promise<number> => {
    const text = await page.locator('#audit dd').first().textContent();
    return Number(text?.replaceAll(',', ''));
  };
  async function isServed(): Promise<void> {
    const before = await accepted();
    await expect.poll(accepted, { timeout: PATIENCE_MS }).toBeGreaterThan(before + 20);
  }

  test(
    'shows three nodes of which one leads, and messages that come through',
    { timeout: 2 * PATIENCE_MS },
    async () => {
      await leader();
      await isServed();
      expect(await page.locator('#queues tbody tr').count()).toBeGreaterThan(3);
      await expect.poll(() => page.locator('#glance').textContent(), { timeout: PATIENCE_MS }).toMatch(/3 of 3/);
    },
  );

  test('publishes a message, and sees it consumed', { timeout: 2 * PATIENCE_MS }, async () => {
    await page.getByRole('textbox', { name: 'Message' }).fill('Hello, cluster');
    await page.getByRole('button', { name: 'Publish' }).click();
    const sent = page.locator('.sent li').filter({ hasText: 'Hello, cluster' }).first();
    await sent.getByText('consumed').waitFor();
    await sent.getByText(/^.*delivered by [abc], attempt 1/).waitFor();
    await page.getByRole('rowheader', { name: /^dashboard$/ }).waitFor();
  });

  test('kills the leader by the keyboard, and sees another take over', { timeout: 3 * PATIENCE_MS }, async () => {
    const first = await leader();
    await card(first).focus();
    await page.keyboard.press('k');
    await card(first).getByText('killed').waitFor();
    const second = await leader(first);
    await expect
      .poll(() => page.locator('#announcer').textContent(), { timeout: PATIENCE_MS })
      .toContain(`${second} leads`);
    await isServed();
    await keepScreenshot(page, 'demo-killed');
    await card(first)
      .getByRole('button', { name: `Start ${first}`, exact: true })
      .click();
    await card(first).getByText('running').waitFor();
    await expect.poll(() => page.locator('#glance').textContent(), { timeout: PATIENCE_MS }).toMatch(/3 of 3/);
  });

  test('cuts the leader off, sees the others go on, and heals', { timeout: 4 * PATIENCE_MS }, async () => {
    const first = await leader();
    await card(first)
      .getByRole('button', { name: `Isolate ${first}` })
      .click();
    await page.getByRole('img', { name: 'Partitioned' }).waitFor();
    await leader(first);
    await isServed();
    await keepPicture();
    await page.getByRole('button', { name: 'Heal' }).click();
    await expect.poll(() => page.getByRole('img', { name: 'Partitioned' }).count()).toBe(0);
    await isServed();
  });

  test('pauses and resumes a follower, and stops the traffic', { timeout: 3 * PATIENCE_MS }, async () => {
    const leading = await leader();
    const other = session.supervisor.nodes.find(({ id }) => id !== leading)?.id ?? '';
    await card(other)
      .getByRole('button', { name: `Pause ${other}` })
      .click();
    await card(other).getByText('paused').waitFor();
    await card(other)
      .getByRole('button', { name: `Resume ${other}` })
      .click();
    await card(other).getByText('running').waitFor();
    await page.getByRole('switch', { name: 'Traffic on' }).click();
    await page.getByRole('switch', { name: 'Traffic off' }).waitFor();
  });

  test('shows all nodes as one of them sees them', { timeout: 2 * PATIENCE_MS }, async () => {
    const [asked, ...others] = session.supervisor.nodes;
    const at = { host: '127.0.0.1', port: 0 };
    await using served = await serveNodes({ at, urls: [asked?.url ?? ''], bearerToken: undefined });
    const alone = await browser.newPage();
    await alone.goto(served.url);
    for (const { id } of others) {
      await alone.locator(`.card[data-node="${id}"]`).getByText('alive').waitFor({ timeout: PATIENCE_MS });
    }
    await alone.locator('.card.leads').waitFor({ timeout: PATIENCE_MS });
    expect(await alone.getByRole('button', { name: /^Kill/ }).count()).toBe(0);
    await alone.close();
  });

  test('lost nothing, and put no barrier in the way', { timeout: 2 * PATIENCE_MS }, async () => {
    await page.getByText('Nothing that was accepted is lost').waitFor();
    expect(await barriersOf(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  /** After some time of it, so that the charts show something. */
  async function keepPicture(): Promise<void> {
    if (PICTURE !== undefined) await page.waitForTimeout(WATCHED_MS);
    await page.evaluate('document.activeElement?.blur(); scrollTo(0, 0)');
    await keepScreenshot(page, 'demo-partitioned');
    if (PICTURE === undefined) return;
    mkdirSync(path.dirname(PICTURE), { recursive: true });
    copyFileSync(path.join(SCREENSHOTS, 'demo-partitioned.png'), PICTURE);
  }
});
