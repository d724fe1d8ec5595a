import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stablePorts } from '@quorate/test-servers';
import type { MemberState } from '@quorate/core';
import {
  machineTime,
  type MemberCommand,
  type MemberReport,
  type MemberSample,
  type MemberSettings,
} from './member-protocol.ts';

const PROGRAM = fileURLToPath(new URL('member-node-process.ts', import.meta.url));
const MAX_OUTPUT = 20_000;

interface Sighting {
  readonly state: MemberState;
  /** Of the machine's clock. */
  readonly at: number;
}

/** One process, and what it sees. */
interface Entry {
  readonly child: ChildProcess;
  readonly sees: Map<string, Sighting>;
  /** When it saw each for the first time. */
  readonly met: Map<string, number>;
  isReady: boolean;
  isRunning: boolean;
  readonly port: number;
  sample: MemberSample | undefined;
  output: string;
}

/** Nodes in processes of their own, each of which tells what it sees of the others. */
export class ProcessMembers implements AsyncDisposable {
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Set<() => void>();
  readonly #settings: Omit<MemberSettings, 'id' | 'port'>;
  /** How often a node was told of another in each state. */
  readonly #told = new Map<MemberState, number>();
  #failure: Error | undefined;

  constructor(settings: Omit<MemberSettings, 'id' | 'port'> = {}) {
    this.#settings = settings;
  }

  /** Those that run. */
  get ids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Loads the programs, so many at a time; they do nothing yet. */
  async load(ids: readonly string[], atOnce: number, withinMs: number): Promise<void> {
    const ports = await stablePorts(ids.length);
    for (let from = 0; from < ids.length; from += atOnce) {
      const batch = ids.slice(from, from + atOnce).map((id, at) => this.#fork(id, ports[from + at] ?? 0));
      await this.until('the programs to be loaded', () => batch.every(({ isReady }) => isReady), withinMs);
    }
  }

  /** Has them start their nodes, and gives the addresses of those. */
  async begin(ids: readonly string[], seedNodes: readonly string[], withinMs: number): Promise<readonly string[]> {
    for (const id of ids) this.#command(id, { type: 'begin', seedNodes });
    const entries = ids.map((id) => this.#entry(id));
    await this.until('the nodes to run', () => entries.every(({ isRunning }) => isRunning), withinMs);
    return entries.map(({ port }) => `127.0.0.1:${port}`);
  }

  /** When each of them saw this node in this state, if it does now; in order. */
  sightings(of: string, state: MemberState, by: readonly string[] = this.ids): readonly number[] {
    const seen = by.map((id) => this.#entry(id).sees.get(of));
    return seen.flatMap((each) => (each?.state === state ? [each.at] : [])).sort((a, b) => a - b);
  }

  /** Whether all of these see all of those in this state. */
  allSee(of: readonly string[], state: MemberState, by: readonly string[] = this.ids): boolean {
    return by.every((id) => of.every((other) => other === id || this.#entry(id).sees.get(other)?.state === state));
  }

  /** Whether all have heard of all, whatever they think of them now. */
  haveAllMet(): boolean {
    return [...this.#entries.values()].every(({ met }) => this.ids.every((id) => met.has(id)));
  }

  /** When each heard of each, in order. */
  get meetings(): readonly number[] {
    return [...this.#entries.values()].flatMap(({ met }) => [...met.values()]).sort((a, b) => a - b);
  }

  /** How often any has seen another come into this state. */
  timesSeen(state: MemberState): number {
    return this.#told.get(state) ?? 0;
  }

  /** How many of these see all of those in this state. */
  howManySee(of: readonly string[], state: MemberState, by: readonly string[] = this.ids): number {
    return by.filter((id) => this.allSee(of, state, [id])).length;
  }

  /** When the last of these saw the last of those in the state that it has now. */
  lastSighting(of: readonly string[], by: readonly string[] = this.ids): number {
    const times = by.flatMap((id) =>
      of.flatMap((other) => (other === id ? [] : (this.#entry(id).sees.get(other)?.at ?? []))),
    );
    return times.reduce((latest, at) => Math.max(latest, at), -Infinity);
  }

  /** SIGKILL; when it was sent. */
  kill(id: string): number {
    const { child } = this.#entry(id);
    this.#entries.delete(id);
    const at = machineTime();
    child.kill('SIGKILL');
    return at;
  }

  /** Nothing goes between the two any more; when that was commanded. */
  cut(groupA: readonly string[], groupB: readonly string[]): number {
    const at = machineTime();
    for (const [own, others] of [
      [groupA, groupB],
      [groupB, groupA],
    ] as const) {
      const ports = others.map((id) => this.#entry(id).port);
      for (const id of own) this.#command(id, { type: 'cut', ports });
    }
    return at;
  }

  heal(): number {
    const at = machineTime();
    for (const id of this.ids) this.#command(id, { type: 'heal' });
    return at;
  }

  async samples(withinMs: number): Promise<readonly MemberSample[]> {
    for (const [id, entry] of this.#entries) {
      entry.sample = undefined;
      this.#command(id, { type: 'sample' });
    }
    const taken = () => [...this.#entries.values()].flatMap(({ sample }) => sample ?? []);
    await this.until('the samples', () => taken().length === this.#entries.size, withinMs);
    return taken();
  }

  /** @throws Error when it is not so within this time, or a process has ended by itself */
  async until(what: string, isSo: () => boolean, withinMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => {
      if (this.#failure !== undefined) reject(this.#failure);
      else if (isSo()) resolve();
    };
    const timer = setTimeout(() => reject(new Error(`waited ${withinMs} ms for ${what}`)), withinMs);
    this.#waiting.add(check);
    try {
      check();
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(check);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...this.#entries.values()].map(({ child }) => child);
    this.#entries.clear();
    const closed = children.filter(({ exitCode }) => exitCode === null).map((child) => once(child, 'exit'));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(closed);
  }

  #fork(id: string, port: number): Entry {
    const settings: MemberSettings = { id, port, ...this.#settings };
    const child = fork(PROGRAM, [JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: ['--conditions=@quorate/source', '--disable-warning=ExperimentalWarning'],
    });
    const fresh = { isReady: false, isRunning: false, sample: undefined, output: '' };
    const entry: Entry = { child, port, sees: new Map(), met: new Map(), ...fresh };
    this.#entries.set(id, entry);
    const keep = (text: unknown) => {
      entry.output = (entry.output + String(text)).slice(-MAX_OUTPUT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('message', (report) => this.#hear(entry, report as MemberReport));
    child.once('close', (code, signal) => {
      if (this.#entries.get(id) !== entry) return;
      this.#failure = new Error(`${id} ended by itself: ${signal ?? code}\n${entry.output}`);
      this.#wake();
    });
    return entry;
  }

  #hear(entry: Entry, report: MemberReport): void {
    if (report.type === 'ready') entry.isReady = true;
    if (report.type === 'running') entry.isRunning = true;
    if (report.type === 'sample') entry.sample = report;
    if (report.type === 'seen') {
      for (const [id, state] of Object.entries(report.states)) {
        this.#told.set(state, (this.#told.get(state) ?? 0) + 1);
        if (!entry.met.has(id)) entry.met.set(id, report.at);
        if (entry.sees.get(id)?.state !== state) entry.sees.set(id, { state, at: report.at });
      }
    }
    this.#wake();
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }

  #command(id: string, command: MemberCommand): void {
    this.#entry(id).child.send(command);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`there is no process ${id}`);
    return entry;
  }
}
