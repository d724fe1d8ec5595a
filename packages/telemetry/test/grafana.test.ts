import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { labelName, metricName, type MetricType } from '../src/prometheus/metric-name.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

const text = await readFile(new URL('../grafana/quorate.json', import.meta.url), 'utf8');
const dashboard = JSON.parse(text) as Dashboard;
const page = await readFile(new URL('../../../docs/telemetry.md', import.meta.url), 'utf8');

/** What the documented names are for Prometheus, and the labels that each has. */
function documented(): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, ReadonlySet<string>>();
  for (const line of page.split('\n')) {
    const [, name = '', kind = '', unit = '', attributes = ''] =
      /^\| `([a-z0-9._]+)` \| (counter|gauge|histogram) \| `([^`]+)` \| [^|]+ \| ([^|]*) \|$/u.exec(line) ?? [];
    if (name === '') continue;
    const metric = metricName({ name, unit, description: '' }, kind as MetricType);
    const own = [...attributes.matchAll(/`([^`]+)`/gu)].map(([, attribute = '']) => labelName(attribute));
    const labels = new Set([...own, 'quorate_cluster_name', 'quorate_node_id', 'instance', 'le']);
    const suffixes = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const suffix of suffixes) names.set(metric + suffix, labels);
  }
  return names;
}

const names = documented();
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));

describe('the dashboard', () => {
  test('asks for documented names only, and by labels that they have', () => {
    expect(names.size).toBeGreaterThan(100);
    expect(queries.length).toBeGreaterThan(30);
    const definitions = dashboard.templating.list.flatMap(({ name, definition }) => {
      return definition === undefined ? [] : [{ title: name, expr: definition, legendFormat: '' }];
    });
    for (const { title, expr, legendFormat } of [...queries, ...definitions]) {
      // Labels stand in braces and behind `by`, and as the second argument of `label_values`.
      const bare = expr.replaceAll(/\{[^}]*\}|\bby \([^)]*\)|, [a-z_]+\)/gu, ' ');
      const metrics = bare.match(/\b(?:quorate|nodejs)_[a-z0-9_]+/gu) ?? [];
      expect(metrics, title).not.toHaveLength(0);
      const unknown = metrics.filter((name) => !names.has(name));
      expect(unknown, title).toEqual([]);
      const parts = [...expr.matchAll(/\{[^}]*\}|\bby \([^)]*\)|, [a-z_]+\)/gu)].join(' ');
      const labels = `${parts} ${legendFormat}`.match(/\b(?:quorate|error)_[a-z_]+/gu) ?? [];
      const known = metrics.map((name) => names.get(name) as ReadonlySet<string>);
      for (const label of labels)
        expect(
          known.some((each) => each.has(label)),
          `${title}: ${label}`,
        ).toBe(true);
    }
  });

  test('is one that Grafana takes: ids of their own, nothing above another, sources by variable', () => {
    expect(dashboard).toMatchObject({ uid: 'quorate', title: 'Quorate' });
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x}/${y}`), `${title} at ${x}/${y}`).toBe(false);
          taken.add(`${x}/${y}`);
        }
      }
    }
    for (const { refId, expr } of queries) {
      expect(refId).toMatch(/^[A-Z]$/u);
      expect(expr.split('(').length, expr).toBe(expr.split(')').length);
    }
    expect(text).not.toMatch(/"uid": "(?!quorate"|\$\{datasource\}")/u);
  });
});
