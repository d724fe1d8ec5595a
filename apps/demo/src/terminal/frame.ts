import { stripVTControlCharacters, styleText } from 'node:util';
import type { DashboardState, LogEntry, ShownNode } from '../dashboard/dashboard-state.ts';

/** Everything that the terminal shows. */
export interface Picture {
  readonly title: string;
  /** Of the dashboard. */
  readonly url: string;
  /** The command that asks the cluster how it is. */
  readonly asked: string;
  readonly state: DashboardState;
  /** Who leads the log. */
  readonly leader: string | undefined;
  /** Which node the keys for one node act on. */
  readonly selected: string;
  /** The newest last. */
  readonly entries: readonly LogEntry[];
  /** Promises that the broker has broken. */
  readonly problems: readonly string[];
  /** The answer to the last key. */
  readonly note: string;
}

type Style = Parameters<typeof styleText>[0];

const MAX_ENTRIES = 10;
const MAX_PROBLEMS = 5;
const NODE_COLUMNS = [3, 6, 11, 7, 10, 7, 8];
const QUEUE_COLUMNS = [3, 20, 9, 9, 11, 10];

/** The lines of the view, at most `rows` of them: when there are too few, the log gives way first, then the queues. */
export function renderFrame(picture: Picture, rows: number): readonly string[] {
  const links = [` Dashboard  ${paint('underline', picture.url)}`, ` Ask it     ${picture.asked}`];
  const top = [titleLine(picture), ...links, '', ...nodeTable(picture)];
  const middle = ['', ...queueTable(picture)];
  const bottom = [
    '',
    ...trafficLines(picture),
    ...problemLines(picture),
    '',
    ...KEYS.map(keyLine),
    ` ${paint('dim', picture.note)}`,
  ];
  const queues = top.length + middle.length + bottom.length <= rows ? middle : [];
  const room = rows - top.length - queues.length - bottom.length - 1;
  const shown = Math.max(0, Math.min(MAX_ENTRIES, picture.entries.length, room));
  const entries = shown === 0 ? [] : ['', ...picture.entries.slice(-shown).map(entryLine)];
  return [...top, ...queues, ...entries, ...bottom].slice(0, Math.max(1, rows));
}

function titleLine({ title, state: { partition } }: Picture): string {
  const cut = partition.length === 1 ? '' : `  cut: ${partition.map((group) => group.join(' ')).join(' | ')}`;
  return ` ${paint('bold', title)}${paint('red', cut)}`;
}

function nodeTable({ state: { nodes }, selected, leader }: Picture): readonly string[] {
  const head = row(NODE_COLUMNS, ['', 'node', 'state', 'term', 'applied', 'cpu', 'memory', 'sees alive']);
  const body = nodes.map((node) => {
    const { id, status, cpu, memoryMib } = node;
    const alive = status?.members.filter(({ id: other, state }) => other !== id && state === 'alive') ?? [];
    return row(NODE_COLUMNS, [
      id === selected ? ' ›' : '',
      id,
      stateOf(node, leader),
      String(status?.replication?.term ?? '-'),
      String(status?.replication?.appliedIndex ?? '-'),
      cpu === undefined ? '-' : `${(100 * cpu).toFixed(0)} %`,
      memoryMib === undefined ? '-' : `${memoryMib.toFixed(0)} MiB`,
      alive.map((member) => member.id).join(' ') || '-',
    ]);
  });
  return [paint('dim', head), ...body];
}

function stateOf({ id, process, status }: ShownNode, leader: string | undefined): string {
  if (process !== 'running') return paint(STATE_STYLES[process], process);
  if (id === leader) return paint(['bold', 'green'], 'leader');
  const role = status?.replication?.role;
  // One that leads no more, and has not heard of it.
  return role === 'leader' ? paint('yellow', 'deposed') : (role ?? 'running');
}

const STATE_STYLES: Record<Exclude<ShownNode['process'], 'running'>, Style> = {
  starting: 'yellow',
  paused: 'yellow',
  stopping: 'yellow',
  stopped: 'dim',
  killed: 'red',
};

function queueTable({ state: { queues } }: Picture): readonly string[] {
  const head = row(QUEUE_COLUMNS, ['', 'queue', 'ready', 'delayed', 'in flight', 'accepted', 'again']);
  const body = queues.map(({ name, ready, delayed, inFlight, accepted, redeliveries }) =>
    row(QUEUE_COLUMNS, ['', name, ...[ready, delayed, inFlight, accepted, redeliveries].map(String)]),
  );
  return [paint('dim', head), ...body];
}

function trafficLines({ state: { traffic } }: Picture): readonly string[] {
  if (traffic === undefined) return [];
  const { isRunning, published, acknowledged, failed, p50Ms, p99Ms, audit } = traffic;
  const times = p50Ms === undefined ? '' : `, half within ${p50Ms.toFixed(1)} ms, 99 % within ${p99Ms?.toFixed(1)} ms`;
  const failures = failed === 0 ? '' : paint('yellow', `, ${failed} requests failed`);
  const rates = isRunning ? `${published}/s accepted${times}, ${acknowledged}/s acknowledged${failures}` : 'off';
  const { accepted, delivered, duplicates, lost, outOfOrder } = audit;
  const wrong = `${lost} lost, ${outOfOrder} out of order`;
  return [
    ` Traffic  ${rates}`,
    ` Audit    ${accepted} accepted, ${delivered} delivered (${duplicates} again), ${paint(lost + outOfOrder === 0 ? 'green' : 'red', wrong)}`,
  ];
}

function problemLines({ problems }: Picture): readonly string[] {
  return problems.slice(0, MAX_PROBLEMS).map((text) => paint('red', ` ${text}`));
}

const LEVEL_STYLES: Record<LogEntry['level'], Style> = { info: 'reset', good: 'green', warn: 'yellow', bad: 'red' };

function entryLine({ at, level, node, text }: LogEntry): string {
  const [line = ''] = text.split('\n');
  return ` ${paint('dim', at.slice(11, 23))}  ${paint(LEVEL_STYLES[level], node === undefined ? line : `${node}: ${line}`)}`;
}

const KEYS: readonly Readonly<Record<string, string>>[] = [
  {
    k: 'kill the leader',
    p: 'pause it',
    c: 'continue what is paused',
    i: 'cut it off',
    h: 'heal',
    t: 'traffic',
    q: 'quit',
  },
  { '↑↓': 'choose a node', r: 'start it again', s: 'stop it', l: 'let it lead', x: 'send a stranger' },
];

function keyLine(keys: Readonly<Record<string, string>>): string {
  return ` ${Object.entries(keys)
    .map(([key, does]) => `${paint(['bold', 'cyan'], key)} ${does}`)
    .join('   ')}`;
}

function row(columns: readonly number[], cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell + ' '.repeat(Math.max(1, (columns[index] ?? 0) - stripVTControlCharacters(cell).length)))
    .join('')
    .trimEnd();
}

/** Colours where they can be shown: `styleText` looks at the terminal and at NO_COLOR. */
function paint(style: Style, text: string): string {
  return text === '' ? '' : styleText(style, text);
}
