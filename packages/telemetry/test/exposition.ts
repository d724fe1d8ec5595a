import assert from 'node:assert/strict';

/** All lines of one metric. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: Sample[];
}

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = String.raw`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"`;
const HELP = new RegExp(String.raw`^# HELP (${NAME}) ((?:[^\\\n]|\\[\\n])*)$`, 'u');
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`, 'u');
const SAMPLE = new RegExp(String.raw`^(${NAME})(?:\{(${LABEL}(?:,${LABEL})*)?\})? (\S+)$`, 'u');
const VALUE = /^(?:NaN|Nan|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/u;

/**
 * Reads Prometheus's text format (0.0.4) as its parser does, and holds it to what that takes for granted: each metric stands
 * once, behind its help and type, no series twice, and histograms count upwards.
 * @throws AssertionError naming the line
 */
export function parseExposition(text: string): readonly Family[] {
  assert(text.endsWith('\n'), 'the last line has no end');
  const families: Family[] = [];
  const lines = text.split('\n').filter((line) => line !== '');
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line.startsWith('# HELP')) {
      families.push(familyOf(line, lines[(at += 1)] ?? ''));
      continue;
    }
    const family = families.at(-1);
    assert(family !== undefined, `no metric: ${line}`);
    family.samples.push(sampleOf(line));
  }
  const names = families.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)], 'a metric stands twice');
  for (const family of families) check(family);
  return families;
}

function familyOf(helpLine: string, typeLine: string): Family {
  const help = HELP.exec(helpLine);
  const type = TYPE.exec(typeLine);
  assert(help !== null && type !== null && help[1] === type[1], `no help and type of one metric: ${helpLine}`);
  return { name: help[1] ?? '', help: unescaped(help[2] ?? ''), type: type[2] ?? '', samples: [] };
}

function sampleOf(line: string): Sample {
  const match = SAMPLE.exec(line);
  const value = match?.at(-1) ?? '';
  assert(match !== null && VALUE.test(value), `no sample: ${line}`);
  const pairs = [...(match[2] ?? '').matchAll(new RegExp(LABEL, 'gu'))];
  const labels = new Map(pairs.map(([, label = '', text = '']) => [label, unescaped(text)]));
  assert.equal(labels.size, pairs.length, `a label twice: ${line}`);
  return { name: match[1] ?? '', labels, value: numberOf(value) };
}

function numberOf(text: string): number {
  return text.endsWith('Inf') ? Number(text.replace('Inf', 'Infinity')) : Number(text);
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gu, (_, char: string) => (char === 'n' ? '\n' : char));
}

function check({ name, type, samples }: Family): void {
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
  const series = samples.map((sample) => seriesOf(sample));
  assert.deepEqual(series, [...new Set(series)], `a series of ${name} stands twice`);
  for (const sample of samples) {
    assert(
      suffixes.includes(sample.name.slice(name.length)) && sample.name.startsWith(name),
      `among ${name}: ${sample.name}`,
    );
    if (type === 'counter') assert(sample.value >= 0, `${name} is ${sample.value}`);
  }
  if (type === 'histogram') checkHistogram(samples);
}

function checkHistogram(samples: readonly Sample[]): void {
  for (const count of samples.filter((sample) => sample.name.endsWith('_count'))) {
    const of = count.name.slice(0, -'_count'.length);
    const buckets = samples.filter((sample) => sample.name === `${of}_bucket` && isOne(sample, count));
    const bounds = buckets.map(({ labels }) => numberOf(labels.get('le') ?? ''));
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      `${of}: buckets out of order`,
    );
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${of}: buckets count downwards`,
    );
    assert.deepEqual([bounds.at(-1), counts.at(-1)], [Infinity, count.value], `${of}: the last bucket is not all`);
    assert(
      samples.some((sample) => sample.name === `${of}_sum` && isOne(sample, count)),
      `${of}: no sum`,
    );
  }
}

function isOne(one: Sample, other: Sample): boolean {
  return seriesOf({ ...one, name: '' }, 'le') === seriesOf({ ...other, name: '' }, 'le');
}

function seriesOf({ name, labels }: Sample, besides?: string): string {
  const pairs = [...labels].filter(([label]) => label !== besides).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, pairs]);
}
