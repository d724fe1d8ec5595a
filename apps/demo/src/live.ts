import { emitKeypressEvents } from 'node:readline';
import { setInterval as every } from 'node:timers/promises';
import sliceAnsi from 'slice-ansi';
import { auditHistory } from './audit.ts';
import { type Picture, type PictureEvent, renderFrame } from './frame.ts';
import type { LedgerEntry } from './ledger.ts';
import { Narrator } from './narration.ts';
import { isReplicated } from './elections.ts';
import { machineNow } from './report.ts';
import { type Session, titleOf } from './session.ts';
import type { NodeView, Supervisor } from './supervisor.ts';

const FRAME_MS = 100;
const FRAMES_AN_AUDIT = 20;
/** For how long the answer to a key is shown. */
const NOTE_MS = 4_000;
const MAX_KEPT = 20;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

const ENTER_SCREEN = '\u001B[?1049h\u001B[?25l';
const LEAVE_SCREEN = '\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const CLEAR_LINE_END = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';

/** Shows the cluster on this terminal and does what the keys say, until `q` has stopped it. Resolves with the exit code. */
export async function runLive(session: Session): Promise<number> {
  const view = new LiveView(session);
  const { supervisor } = session;
  process.once('exit', leaveScreen);
  process.stdout.write(ENTER_SCREEN);
  try {
    for (const { id } of supervisor.nodes) supervisor.start(id);
    await view.run();
  } finally {
    process.removeListener('exit', leaveScreen);
    leaveScreen();
  }
  return view.conclude();
}

function leaveScreen(): void {
  process.stdout.write(LEAVE_SCREEN);
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
}

interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
}

/** What the terminal shows, and what its keys do. */
class LiveView {
  readonly #session: Session;
  readonly #startedAt = machineNow();
  readonly #narrator = new Narrator();
  /** Aborts when there is nothing more to show. */
  readonly #done = new AbortController();
  #stopping = false;
  #selected = 0;
  #note = { text: '', at: 0 };
  #numbered = 0;
  #refused = 0;
  #entries: LedgerEntry[] = [];
  #events: PictureEvent[] = [];
  #problems: readonly string[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  async run(): Promise<void> {
    const { stdin, stdout } = process;
    using _listening = this.#session.history.listen((event) => {
      const told = this.#narrator.tell(event);
      if (told !== undefined) this.#events = [...this.#events, told].slice(-MAX_KEPT);
      if (event.source === 'ledger') this.#count(event);
    });
    const onKey = (_text: string | undefined, key: Key) => this.#press(key);
    emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.on('keypress', onKey);
    // A terminal that went away has nobody left to show anything to.
    stdin.once('end', () => this.#done.abort());
    stdout.on('resize', this.draw);
    try {
      await this.#drawUntilDone();
    } finally {
      stdin.removeListener('keypress', onKey);
      stdin.setRawMode(false);
      stdin.pause();
      stdout.removeListener('resize', this.draw);
    }
  }

  readonly draw = (): void => {
    const columns = process.stdout.columns || DEFAULT_COLUMNS;
    const rows = process.stdout.rows || DEFAULT_ROWS;
    // The last column stays free: a terminal may wrap after it.
    const lines = renderFrame(this.#picture(), rows).map((line) => sliceAnsi(line, 0, columns - 1) + CLEAR_LINE_END);
    process.stdout.write(HOME + lines.join('\r\n') + CLEAR_BELOW);
  };

  /** Tells on the normal screen how it went. */
  conclude(): number {
    const problems = this.#audit();
    const counts = `${this.#numbered} tickets were numbered and ${this.#refused} refused for a stale token.`;
    const kept = 'None that a leader was told of is lost, none is there twice, and all copies of the ledger agree.';
    const isGood = isReplicated(this.#session.options.election) && problems.length === 0;
    console.log([counts, ...(isGood ? [kept] : problems)].join('\n'));
    return problems.length === 0 ? 0 : 1;
  }

  #audit(): readonly string[] {
    const { history, copies } = this.#session;
    return [...auditHistory(history.events), ...copies.problems];
  }

  async #drawUntilDone(): Promise<void> {
    let frames = 0;
    try {
      for await (const _ of every(FRAME_MS, undefined, { signal: this.#done.signal })) {
        if (frames % FRAMES_AN_AUDIT === 0) this.#problems = this.#audit();
        frames += 1;
        this.draw();
      }
    } catch (error) {
      if (!this.#done.signal.aborted) throw error;
    }
  }

  #count(entry: LedgerEntry): void {
    if (entry.type === 'accepted') this.#numbered += 1;
    else this.#refused += 1;
    this.#entries = [...this.#entries, entry].slice(-MAX_KEPT);
  }

  #press({ name, ctrl = false }: Key): void {
    if (name === 'q' || (ctrl && (name === 'c' || name === 'd'))) this.#quit();
    else if (!ctrl && !this.#stopping) this.#tell(this.#act(name));
    this.draw();
  }

  /** The first time every node is stopped gracefully; the second time there is no waiting for it. */
  #quit(): void {
    if (this.#stopping) return this.#done.abort();
    this.#stopping = true;
    this.#tell('stopping every node; q again ends them at once');
    void this.#session.supervisor.stopAll().then(() => this.#done.abort());
  }

  #tell(text: string | undefined): void {
    if (text !== undefined) this.#note = { text, at: machineNow() };
  }

  /** Does what a key says, and returns the answer to it. */
  #act(key: string | undefined): string | undefined {
    const { supervisor } = this.#session;
    switch (key ?? '') {
      case 'k':
        return withLeader(supervisor, 'kill', ({ id }) => supervisor.kill(id));
      case 'p':
        return withLeader(supervisor, 'pause', ({ id }) => supervisor.pause(id));
      case 'c':
        return continuePaused(supervisor);
      case 'r':
        return this.#restart();
      case 's':
        return this.#stop();
      case 'x':
        return this.#sendStranger();
      case 'up':
        return this.#select(-1);
      case 'down':
        return this.#select(1);
      default:
        return undefined;
    }
  }

  #select(by: number): string {
    const { length } = this.#session.supervisor.nodes;
    this.#selected = (this.#selected + by + length) % length;
    return '';
  }

  /** The selected node, or another if that one runs. */
  #restart(): string {
    const { supervisor } = this.#session;
    const down = ({ state }: NodeView) => state === 'dead' || state === 'stopped';
    const selected = this.#selectedNode();
    const node = selected !== undefined && down(selected) ? selected : supervisor.nodes.find(down);
    if (node === undefined) return 'every node runs: there is none to restart';
    supervisor.start(node.id);
    return `restarting ${node.id}`;
  }

  #stop(): string {
    const node = this.#selectedNode();
    if (node === undefined || node.pid === undefined || node.state === 'stopping') return 'that node does not run';
    void this.#session.supervisor.stop(node.id);
    return `stopping ${node.id}`;
  }

  #sendStranger(): string {
    const { supervisor, options } = this.#session;
    if (options.secret === undefined) return 'anybody may come in: give --secret at the start';
    return supervisor.sendStranger() ? '' : 'one is there already';
  }

  #selectedNode(): NodeView | undefined {
    return this.#session.supervisor.nodes[this.#selected];
  }

  #picture(): Picture {
    const { supervisor, options } = this.#session;
    return {
      title: `Quorate  ${titleOf(options)}`,
      now: machineNow(),
      startedAt: this.#startedAt,
      nodes: supervisor.nodes,
      leader: supervisor.leader,
      isReplicated: isReplicated(options.election),
      selected: this.#selectedNode()?.id ?? '',
      numbered: this.#numbered,
      refused: this.#refused,
      entries: this.#entries,
      events: this.#events,
      problems: this.#problems,
      note: machineNow() - this.#note.at < NOTE_MS ? this.#note.text : '',
    };
  }
}

function withLeader(supervisor: Supervisor, verb: string, act: (leader: NodeView) => void): string {
  const { leader } = supervisor;
  if (leader === undefined) return `no node leads now: there is none to ${verb}`;
  if (verb === 'pause' && leader.state !== 'running') return `${leader.id} is ${leader.state}`;
  act(leader);
  return '';
}

function continuePaused(supervisor: Supervisor): string {
  const paused = supervisor.nodes.filter(({ state }) => state === 'paused');
  for (const { id } of paused) supervisor.resume(id);
  return paused.length === 0 ? 'no node is paused' : '';
}
