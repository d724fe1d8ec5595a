import { stripVTControlCharacters, styleText } from 'node:util';
import type { LedgerEntry } from './ledger.ts';
import type { MachineMs } from './report.ts';
import type { NodeView, ProcessState } from './supervisor.ts';

/** Everything that the live view shows. */
export interface Picture {
  readonly title: string;
  readonly now: MachineMs;
  readonly startedAt: MachineMs;
  readonly nodes: readonly NodeView[];
  readonly leader: NodeView | undefined;
  /** Whether each node has a copy of the ledger. */
  readonly isReplicated: boolean;
  /** Which node the keys for one node act on. */
  readonly selected: string;
  readonly numbered: number;
  readonly refused: number;
  /** The newest last. */
  readonly entries: readonly LedgerEntry[];
  /** The newest last. */
  readonly events: readonly PictureEvent[];
  /** What is wrong with the cluster, if the demo found anything. */
  readonly problems: readonly string[];
  /** The answer to the last key. */
  readonly note: string;
}

export interface PictureEvent {
  readonly at: MachineMs;
  readonly text: string;
  readonly tone: Tone;
}

type Tone = 'good' | 'bad' | 'plain';

type Style = Parameters<typeof styleText>[0];

const MAX_EVENTS = 8;
const MAX_ENTRIES = 4;
const COLUMNS = [3, 6, 17, 8, 10, 6, 9];

/** The lines of the live view, at most `rows` of them: when there are too few, tickets and events give way first. */
export function renderFrame(picture: Picture, rows: number): readonly string[] {
  const top = [titleLine(picture), '', ...table(picture), '', leaderLine(picture), ticketLine(picture)];
  const bottom = [
    ...picture.problems.map((text) => paint('red', ` ${text}`)),
    '',
    ...KEYS.map(keyLine),
    noteLine(picture),
  ];
  const room = rows - top.length - bottom.length;
  // Each list has an empty line above it.
  const events = Math.max(0, Math.min(MAX_EVENTS, picture.events.length, room - 1));
  const entries = Math.max(0, Math.min(MAX_ENTRIES, picture.entries.length, room - events - 2));
  const lists = [
    ...underGap(last(picture.entries, entries).map(entryLine)),
    ...underGap(last(picture.events, events).map((event) => eventLine(event, picture.startedAt))),
  ];
  return [...top, ...lists, ...bottom].slice(0, Math.max(1, rows));
}

function titleLine({ title, now, startedAt }: Picture): string {
  return ` ${paint('bold', title)}  ${paint('dim', `up ${formatSeconds(now - startedAt)}`)}`;
}

function table({ nodes, selected, leader, isReplicated }: Picture): readonly string[] {
  const copy = (text: string) => (isReplicated ? [text] : []);
  const head = row(['', 'node', 'address', 'pid', 'state', 'term', ...copy('tickets'), 'connected to']);
  const body = nodes.map((node) => {
    const { id, address, pid, connected } = node;
    const role = node.state === 'running' && node.grant !== undefined && id === leader?.id ? 'leader' : undefined;
    const state = role ?? (node.state === 'running' ? 'follower' : node.state);
    const style = role === undefined ? STATE_STYLES[node.state] : LEADER_STYLE;
    const term = node.leader === undefined ? '-' : String(node.leader.token);
    const peers = connected.length === 0 ? '-' : connected.join(' ');
    const tickets = copy(String(node.tickets ?? '-'));
    return row([
      id === selected ? ' ›' : '',
      id,
      address,
      String(pid ?? '-'),
      paint(style, state),
      term,
      ...tickets,
      peers,
    ]);
  });
  return [paint('dim', head), ...body];
}

const LEADER_STYLE: Style = ['bold', 'green'];

const STATE_STYLES: Record<ProcessState, Style> = {
  starting: 'yellow',
  running: 'reset',
  paused: 'yellow',
  stopping: 'yellow',
  stopped: 'dim',
  dead: 'red',
};

function leaderLine({ leader, now }: Picture): string {
  if (leader?.grant === undefined) return ` Leader   ${paint('yellow', 'none')}`;
  const { token, beganAt } = leader.grant;
  const since = `in term ${token}, for ${formatSeconds(now - beganAt)}`;
  const unsure =
    leader.state === 'paused' ? paint('yellow', '  paused: its grant runs out, though it cannot tell') : '';
  return ` Leader   ${paint('green', leader.id)} ${since}${unsure}`;
}

function ticketLine({ numbered, refused }: Picture): string {
  const late = refused === 0 ? 'none refused' : paint('red', `${refused} refused for a stale token`);
  return ` Tickets  ${numbered} numbered, ${late}`;
}

function entryLine(entry: LedgerEntry): string {
  if (entry.type === 'accepted') {
    return paint('dim', `   ticket ${String(entry.number).padStart(5)}  token ${entry.token}  by ${entry.node}`);
  }
  const why = `the ledger has seen ${entry.highest}`;
  return paint('red', `   refused       token ${entry.token}  by ${entry.node}: ${why}`);
}

function eventLine({ at, text, tone }: PictureEvent, startedAt: MachineMs): string {
  const when = paint('dim', formatSeconds(at - startedAt).padStart(10));
  return `${when}  ${tone === 'plain' ? text : paint(tone === 'good' ? 'green' : 'red', text)}`;
}

const KEYS: readonly Readonly<Record<string, string>>[] = [
  { k: 'kill the leader', p: 'pause it', c: 'continue what is paused', q: 'quit' },
  { '↑↓': 'choose a node', r: 'restart it', s: 'stop it', x: 'send a stranger' },
];

function keyLine(keys: Readonly<Record<string, string>>): string {
  return ` ${Object.entries(keys)
    .map(([key, does]) => `${paint(['bold', 'cyan'], key)} ${does}`)
    .join('   ')}`;
}

function noteLine({ note }: Picture): string {
  return ` ${paint('dim', note)}`;
}

function underGap(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function last<T>(items: readonly T[], count: number): readonly T[] {
  return items.slice(items.length - count);
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell + ' '.repeat(Math.max(1, (COLUMNS[index] ?? 0) - stripVTControlCharacters(cell).length)))
    .join('')
    .trimEnd();
}

function formatSeconds(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, '0')} min`;
}

/** Colours where they can be shown: `styleText` looks at the terminal and at NO_COLOR. */
function paint(style: Style, text: string): string {
  return styleText(style, text);
}
