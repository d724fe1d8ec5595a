import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { ControlAction } from '../../src/dashboard/dashboard-state.ts';
import { serveDashboard } from '../../src/dashboard/serve-dashboard.ts';
import type { ServedDashboard } from '../../src/dashboard/serve-dashboard.ts';
import { barriersOf, CHROMIUM, complaintsOf, keepScreenshot, launch } from './browser.ts';
import { RecordedRun } from './recorded-run.ts';

const WIDE = { width: 1440, height: 1000 };
const NARROW = { width: 360, height: 740 };

describe.skipIf(CHROMIUM === undefined)('the dashboard in a browser', () => {
  let browser: Browser;
  let run: RecordedRun;
  let done: ControlAction[];
  let dashboard: ServedDashboard;
  let page: Page;
  let complaints: readonly string[];

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    run = new RecordedRun();
    done = [];
    const act = async (action: ControlAction): Promise<void> => void done.push(action);
    dashboard = await serveDashboard({ source: run, controls: { act }, messages: {} });
    await open({});
  });
  afterEach(async () => {
    await page.context().close();
    await dashboard[Symbol.asyncDispose]();
  });

  async function open({ size = WIDE, colorScheme = 'light' as 'light' | 'dark' }): Promise<void> {
    if (page !== undefined) await page.context().close();
    page = await browser.newPage({ viewport: size, colorScheme, reducedMotion: 'reduce' });
    page.setDefaultTimeout(10_000);
    complaints = complaintsOf(page);
    await page.goto(dashboard.url);
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    await page.locator('.card').first().waitFor();
  }

  const card = (id: string) => page.locator(`.card[data-node="${id}"]`);
  const leader = (): string => {
    const found = run.state().nodes.find(({ status }) => status?.replication?.role === 'leader');
    if (found === undefined) throw new Error('nobody leads');
    return found.id;
  };
  const focused = (): Promise<string> =>
    page.evaluate('document.activeElement.dataset.node ?? document.activeElement.name ?? ""');

  test('shows what the nodes say', async () => {
    const { nodes, queues } = run.state();
    for (const { id, status } of nodes) {
      await expect.poll(() => card(id).textContent()).toMatch(new RegExp(`Term\\s*${status?.replication?.term}\\s`));
    }
    await expect.poll(() => page.locator('#glance').textContent()).toMatch(new RegExp(`Leader\\s*${leader()}`));
    expect(await page.locator('#queues tbody tr').count()).toBe(queues.length);
    expect(await page.locator('#log time').count()).toBe(run.entries().length);
    expect(await page.title()).toBe(`${leader()} leads · Quorate`);
    expect(complaints).toEqual([]);
  });

  test('shows a kill and the next leader, and says it to who listens', async () => {
    const isKilled = ({ process }: { readonly process: string }): boolean => process === 'killed';
    const first = run.advanceUntil(({ nodes }) => nodes.some(isKilled)).nodes.find(isKilled)?.id ?? '';
    await card(first).getByText('killed').waitFor();
    run.advanceUntil(({ nodes }) =>
      nodes.some(({ id, status }) => id !== first && status?.replication?.role === 'leader'),
    );
    await card(leader()).getByText('leader', { exact: false }).first().waitFor();
    await expect
      .poll(() => page.locator('#announcer').textContent())
      .toMatch(new RegExp(`^${leader()} leads in term \\d+\\.$`));
    expect(await card(first).locator('[data-action=start]').getAttribute('aria-disabled')).toBe('false');
    await keepScreenshot(page, 'killed');
    expect(complaints).toEqual([]);
  });

  test('shows a partition, and that it is healed', async () => {
    run.advanceUntil(({ partition }) => partition.length > 1);
    await expect.poll(() => page.getByRole('img', { name: 'Partitioned' }).count()).toBe(1);
    await keepScreenshot(page, 'partitioned');
    await page.getByRole('button', { name: 'Heal' }).click();
    await expect.poll(() => done).toEqual([{ action: 'heal' }]);
    run.advanceUntil(({ partition }) => partition.length === 1);
    await expect.poll(() => page.getByRole('img', { name: 'Partitioned' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Heal' }).isDisabled()).toBe(true);
  });

  test('is worked by keys alone', async () => {
    const [, second] = run.state().nodes;
    await page.keyboard.press('k');
    expect(done).toEqual([]); // nothing is killed that isn't in focus
    await page.keyboard.press('2');
    expect(await focused()).toBe(second?.id);
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
    for (const key of ['k', 'p', 'r', 'i']) await page.keyboard.press(key);
    const node = second?.id;
    const actions = (['kill', 'pause', 'restart', 'isolate'] as const).map((action) => ({ action, node }));
    await expect.poll(() => done).toEqual(actions);
    await page.keyboard.press('ArrowRight');
    expect(await focused()).toBe(run.state().nodes[2]?.id);
    await page.keyboard.press('m');
    expect(await focused()).toBe('text');
    await page.keyboard.type('k is a letter here');
    expect(done).toHaveLength(actions.length);
  });

  test('cuts the cluster by keys alone', async () => {
    const [first, ...others] = run.state().nodes.map(({ id }) => id);
    await page.keyboard.press('c');
    await page.getByRole('dialog', { name: 'Partition' }).waitFor();
    await page.keyboard.press('ArrowRight'); // the first from side A to side B, where all are then
    await page.keyboard.press('ArrowRight'); // to side C
    await page.keyboard.press('Enter');
    await expect.poll(() => done).toEqual([{ action: 'partition', groups: [others, [first]] }]);
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  test('reaches every control by Tab, and lists its keys', async () => {
    const reached = new Set<string>();
    const label = 'document.activeElement.ariaLabel ?? document.activeElement.innerText ?? ""';
    for (let index = 0; index < 60; index += 1) {
      await page.keyboard.press('Tab');
      reached.add(String(await page.evaluate(label)).trim());
    }
    for (const { id } of run.state().nodes) expect([...reached]).toContain(`Kill ${id}`);
    expect([...reached]).toContain('Publish');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    expect(await barriersOf(page)).toEqual([]);
    await page.getByLabel('Shortcuts are on').uncheck();
    await page.keyboard.press('Escape');
    await page.locator('.card').first().focus();
    await page.keyboard.press('k');
    expect(done).toEqual([]);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`has no barriers that axe knows, ${colorScheme}`, async () => {
      run.advanceUntil(({ partition }) => partition.length > 1);
      await open({ colorScheme });
      expect(await barriersOf(page)).toEqual([]);
      await keepScreenshot(page, `wide-${colorScheme}`);
      await open({ colorScheme, size: NARROW });
      if (colorScheme === 'light') expect(await barriersOf(page)).toEqual([]);
      await keepScreenshot(page, `narrow-${colorScheme}`);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(NARROW.width);
    }, 90_000);
  }

  test('is dark or light by choice, too, and remembers it', async () => {
    const ground = (): Promise<unknown> => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await ground();
    await page.keyboard.press('d');
    await expect.poll(ground).not.toBe(light);
    const dark = await ground();
    await page.reload();
    await expect.poll(ground).toBe(dark);
  });

  test('shows text as text', async () => {
    const text = '<img src=x onerror="document.title=\'broken\'"><script>document.title="broken"</script>';
    run.add({ number: 10_000, at: new Date().toISOString(), level: 'bad', node: '<b>a</b>', text });
    await page.locator('#log .entries').getByText(text).waitFor();
    expect(await page.locator('#log img, #log script, #log b b').count()).toBe(0);
    expect(await page.title()).not.toBe('broken');
  });

  test('reads out and, if asked, shows only the events that matter', async () => {
    const at = new Date().toISOString();
    run.add({ number: 10_001, at, level: 'info', node: 'a', text: 'a detail' });
    run.add({ number: 10_002, at, level: 'bad', node: 'b', text: 'a disaster' });
    const told = page.getByRole('log');
    await expect.poll(() => told.textContent()).toMatch(/bad:\s+b\s+a disaster/);
    expect(await told.textContent()).not.toContain('a detail');
    const shown = page.getByRole('region', { name: 'Events' }).last();
    await shown.getByText('a detail').waitFor();
    await page.getByRole('button', { name: 'Only what matters' }).click();
    await expect.poll(() => shown.getByText('a detail').count()).toBe(0);
    expect(await shown.getByText('a disaster').count()).toBe(1);
  });

  test('says that it lost its server, and goes on with the next one', async () => {
    const { port } = new URL(dashboard.url);
    await dashboard[Symbol.asyncDispose]();
    await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor();
    const act = async (action: ControlAction): Promise<void> => void done.push(action);
    dashboard = await serveDashboard({ source: run, controls: { act }, port: Number(port) });
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    // What it does is taken from it, since it loaded anew.
    await page.keyboard.press('1');
    await expect
      .poll(async () => {
        await page.keyboard.press('1');
        await page.keyboard.press('r');
        return done.length;
      })
      .toBeGreaterThan(0);
  });
});
