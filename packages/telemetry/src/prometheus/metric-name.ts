import type { InstrumentAbout } from '@quorate/core';

export type MetricType = 'counter' | 'gauge' | 'histogram';

const UNIT_WORDS: ReadonlyMap<string, string> = new Map([
  ['s', 'seconds'],
  ['By', 'bytes'],
]);

/**
 * The name that OpenTelemetry's rules for Prometheus give: `quorate.raft.commit.duration` in `s` is
 * `quorate_raft_commit_duration_seconds`, and what only grows ends with `_total`.
 */
export function metricName({ name, unit }: InstrumentAbout, type: MetricType): string {
  const words = [beginning(name.replaceAll(/[^A-Za-z0-9_:]/gu, '_'))];
  const word = unit === '1' && type === 'gauge' ? 'ratio' : UNIT_WORDS.get(unit);
  if (word !== undefined && !name.endsWith(word)) words.push(word);
  if (type === 'counter') words.push('total');
  return words.join('_');
}

/** The same for an attribute: `quorate.node.id` is `quorate_node_id`. */
export function labelName(attribute: string): string {
  return beginning(attribute.replaceAll(/[^A-Za-z0-9_]/gu, '_'));
}

/** None begins with a digit. */
function beginning(name: string): string {
  return /^\d/u.test(name) ? `_${name}` : name;
}
