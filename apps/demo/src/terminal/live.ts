import { emitKeypressEvents } from 'node:readline';
import { setInterval as every } from 'node:timers/promises';
import sliceAnsi from 'slice-ansi';
import type { ControlAction, NodeAction } from '../dashboard/dashboard-state.ts';
import { titleOf } from '../demo/demo-options.ts';
import { askedBy, type Session } from '../demo/session.ts';
import { renderFrame } from './frame.ts';

const FRAME_MS = 200;
/** For how long the answer to a key is shown. */
const NOTE_MS = 4_000;
/** Within which the queues can be made, once the nodes run. */
const START_MS = 120_000;
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
  process.once('exit', leaveScreen);
  process.stdout.write(ENTER_SCREEN);
  try {
    begin(session);
    await view.run();
  } finally {
    process.removeListener('exit', leaveScreen);
    leaveScreen();
  }
  return conclude(session);
}

/** The nodes, and the traffic as soon as they take any. */
function begin({ supervisor, traffic, log }: Session): void {
  for (const { id } of supervisor.nodes) supervisor.start(id);
  traffic.start(AbortSignal.timeout(START_MS)).catch((error: unknown) => {
    log.write('bad', undefined, `no traffic: ${error instanceof Error ? error.message : String(error)}`);
  });
}

/** Tells on the normal screen how it went. */
function conclude({ traffic: { audit } }: Session): number {
  const { accepted, delivered, duplicates, problems } = audit.counts;
  console.log(`${accepted} messages were accepted, and ${delivered} delivered, ${duplicates} of them once more.`);
  const texts = audit.problems.map(({ kind, text }) => `${kind}: ${text}`);
  console.log(problems === 0 ? 'No promise was seen to be broken.' : texts.join('\n'));
  return problems === 0 ? 0 : 1;
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
  /** Aborts when there is nothing more to show. */
  readonly #done = new AbortController();
  #stopping = false;
  #selected = 0;
  #note = { text: '', at: 0 };

  constructor(session: Session) {
    this.#session = session;
  }

  async run(): Promise<void> {
    const { stdin, stdout } = process;
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
    const { options, url, source, supervisor, log, traffic } = this.#session;
    const asked = supervisor.nodes.find(({ process: state }) => state === 'running') ?? supervisor.nodes[0];
    const columns = process.stdout.columns || DEFAULT_COLUMNS;
    const rows = process.stdout.rows || DEFAULT_ROWS;
    const picture = {
      title: `Quorate  ${titleOf(options)}`,
      url,
      asked: askedBy(this.#session, asked === undefined ? [] : [asked.address]),
      state: source.state(),
      leader: supervisor.leader?.id,
      selected: this.#selectedId,
      entries: log.entries,
      problems: traffic.audit.problems.map(({ kind, text }) => `${kind}: ${text}`),
      note: performance.now() - this.#note.at < NOTE_MS ? this.#note.text : '',
    };
    // The last column stays free: a terminal may wrap after it.
    const lines = renderFrame(picture, rows).map((line) => sliceAnsi(line, 0, columns - 1) + CLEAR_LINE_END);
    process.stdout.write(HOME + lines.join('\r\n') + CLEAR_BELOW);
  };

  get #selectedId(): string {
    return this.#session.supervisor.nodes[this.#selected]?.id ?? '';
  }

  async #drawUntilDone(): Promise<void> {
    try {
      for await (const _ of every(FRAME_MS, undefined, { signal: this.#done.signal })) this.draw();
    } catch (error) {
      if (!this.#done.signal.aborted) throw error;
    }
  }

  #press({ name = '', ctrl = false }: Key): void {
    if (name === 'q' || (ctrl && (name === 'c' || name === 'd'))) this.#quit();
    else if (!ctrl && !this.#stopping) this.#do(name);
    this.draw();
  }

  /** The first time every node is stopped gracefully; the second time there is no waiting for it. */
  #quit(): void {
    if (this.#stopping) return this.#done.abort();
    this.#stopping = true;
    this.#tell('stopping every node; q again ends them at once');
    void this.#stop().finally(() => this.#done.abort());
  }

  async #stop(): Promise<void> {
    const { supervisor, traffic } = this.#session;
    await traffic[Symbol.asyncDispose]();
    await supervisor.stopAll();
  }

  #tell(text: string): void {
    this.#note = { text, at: performance.now() };
  }

  #do(key: string): void {
    const { supervisor, traffic } = this.#session;
    switch (key) {
      case 'up':
        return this.#select(-1);
      case 'down':
        return this.#select(1);
      case 'x':
        return this.#sendStranger();
      case 'c':
        return this.#continue();
      case 'h':
        return this.#act({ action: 'heal' });
      case 't':
        return this.#act({ action: 'traffic', on: !traffic.read().isRunning });
      case 'r':
        return this.#act({ action: 'start', node: this.#selectedId });
      case 's':
        return this.#act({ action: 'stop', node: this.#selectedId });
      case 'l':
        return this.#act({ action: 'transfer', node: this.#selectedId });
      case 'k':
      case 'p':
      case 'i':
        return this.#toLeader(TO_LEADER[key], supervisor.leader?.id);
      default:
    }
  }

  #toLeader(action: NodeAction, leader: string | undefined): void {
    if (leader === undefined) this.#tell(`no node leads now: there is none to ${action}`);
    else this.#act({ action, node: leader });
  }

  #continue(): void {
    const paused = this.#session.supervisor.nodes.filter((node) => node.process === 'paused');
    for (const { id } of paused) this.#act({ action: 'resume', node: id });
    if (paused.length === 0) this.#tell('no node is paused');
  }

  #act(action: ControlAction): void {
    this.#session.controls.act(action).catch((error: unknown) => {
      this.#tell(error instanceof Error ? error.message : String(error));
    });
  }

  #sendStranger(): void {
    const { supervisor, options } = this.#session;
    if (options.secret === undefined) this.#tell('anybody may come in: give --secret at the start');
    else if (!supervisor.sendStranger()) this.#tell('one is there already');
  }

  #select(by: number): void {
    const { length } = this.#session.supervisor.nodes;
    this.#selected = (this.#selected + by + length) % length;
  }
}

const TO_LEADER: Readonly<Record<'k' | 'p' | 'i', NodeAction>> = { k: 'kill', p: 'pause', i: 'isolate' };
