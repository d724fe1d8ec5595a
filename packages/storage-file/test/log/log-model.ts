import { encodeBatch, type GroupLog, type LogEntry, type LogStore } from '@quorate/core';
import { readAll } from './log-fixture.ts';

/** All that a group's log holds, to be compared as text. */
export interface GroupContent {
  readonly base: number;
  readonly baseTerm: number;
  readonly entries: readonly string[];
  readonly commit: number;
  readonly state: string;
  readonly snapshot: string;
}

const NOTHING: GroupContent = { base: 0, baseTerm: 0, entries: [], commit: 0, state: '', snapshot: '' };

/** Chances below a bound. */
export type Choose = (bound: number) => number;

/** One change: what it makes of the content, and how it is asked for. */
interface Change {
  readonly after: GroupContent;
  readonly ask: (group: GroupLog) => Promise<unknown>;
  /** Nothing else of the group goes on meanwhile. */
  readonly alone: boolean;
}

/**
 * What one group may hold, across all the processes that lived with it: the content that was last seen or acknowledged,
 * then those that changes under way would make, one after the other.
 */
export class GroupModel {
  readonly id: number;
  #possible: GroupContent[] = [NOTHING];
  #written = 0;

  constructor(id: number) {
    this.id = id;
  }

  /** Compares with what a new process finds, and takes that for known. */
  async check(log: LogStore): Promise<void> {
    const found = JSON.stringify(await contentOf(log.group(this.id)));
    const now = this.#possible.find((content) => JSON.stringify(content) === found);
    if (now === undefined) {
      const expected = this.#possible.map((content) => JSON.stringify(content)).join('\n  ');
      throw new Error(`group ${this.id} holds\n  ${found}\nnot one of\n  ${expected}`);
    }
    const isListed = log.groups().includes(this.id);
    if (!isListed && found !== JSON.stringify(NOTHING)) throw new Error(`group ${this.id} is not listed`);
    this.#possible = [now];
  }

  /** Makes so many random changes, several at a time. */
  async change(log: LogStore, changes: number, choose: Choose): Promise<void> {
    const underWay: Promise<unknown>[] = [];
    for (let count = 0; count < changes; count += 1) {
      const change = this.#choose(choose);
      if (change.alone || underWay.length > choose(4)) await Promise.all(underWay.splice(0));
      this.#possible.push(change.after);
      const asked = change.ask(log.group(this.id)).then(() => this.#settle(change.after));
      // A rejection is seen where all are awaited.
      asked.catch(() => undefined);
      underWay.push(asked);
      if (change.alone) await asked;
    }
    await Promise.all(underWay);
  }

  #settle(content: GroupContent): void {
    this.#possible.splice(0, this.#possible.indexOf(content));
  }

  #choose(choose: Choose): Change {
    const now = this.#possible.at(-1) ?? NOTHING;
    const kind = choose(20);
    const last = now.base + now.entries.length;
    if (kind === 0 && now.entries.length > 0) return this.#truncate(now, now.base + 1 + choose(now.entries.length));
    if (kind === 1) return this.#snapshot(now, last + choose(3));
    if (kind === 3) return this.#install(now, now.base + 1 + choose(now.entries.length + 3));
    if (kind === 2 && choose(4) === 0) return this.#remove();
    return this.#append(now, last + 1 - (choose(4) === 0 ? choose(now.entries.length + 1) : 0), choose);
  }

  #append(now: GroupContent, first: number, choose: Choose): Change {
    const [count, dataBytes] = [1 + choose(6), choose(5) === 0 ? choose(6000) : choose(50)];
    const term = Math.max(1, now.baseTerm, ...now.entries.map(termOf)) + (choose(5) === 0 ? 1 : 0);
    const entries = Array.from({ length: count }, (_, at): LogEntry => {
      this.#written += 1;
      const data = new TextEncoder().encode(`${this.id}-${this.#written}`.padEnd(dataBytes, '.'));
      return { index: first + at, term, kind: choose(256), data };
    });
    const cut = choose(count);
    const batches = [entries.slice(0, cut), entries.slice(cut)].filter((part) => part.length > 0);
    const beside = {
      ...(choose(4) === 0 ? { commit: first } : {}),
      ...(choose(4) === 0 ? { state: new TextEncoder().encode(`state ${this.#written}`) } : {}),
    };
    const after = {
      ...now,
      entries: [...now.entries.slice(0, first - now.base - 1), ...entries.map(textOf)],
      commit: beside.commit ?? now.commit,
      state: beside.state === undefined ? now.state : new TextDecoder().decode(beside.state),
    };
    const encoded = batches.map((part) => encodeBatch(part));
    return { after, ask: (group) => group.append(encoded, beside), alone: false };
  }

  #truncate(now: GroupContent, index: number): Change {
    const baseTerm = termOf(now.entries[index - now.base - 1] ?? '');
    const after = { ...now, base: index, baseTerm, entries: now.entries.slice(index - now.base) };
    return { after, ask: (group) => group.truncatePrefix(index, baseTerm), alone: false };
  }

  /** The truncation behind a snapshot that has other entries, or more. */
  #install(now: GroupContent, index: number): Change {
    const term = 1 + Math.max(now.baseTerm, ...now.entries.map(termOf), 1);
    const after = { ...now, base: index, baseTerm: term, entries: [] };
    return { after, ask: (group) => group.truncatePrefix(index, term), alone: false };
  }

  /** A snapshot as a leader sends it, possibly of what this log has not got. */
  #snapshot(now: GroupContent, index: number): Change {
    const newest = Number(now.snapshot.split(' ')[0]);
    const at = Math.max(index, newest + 1, now.base + 1);
    const term = 1 + Math.max(now.baseTerm, ...now.entries.map(termOf), 1);
    const content = `${at} of group ${this.id}`;
    const after = { ...now, snapshot: content };
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for (const part of content.match(/.{1,5}/gu) ?? []) yield new TextEncoder().encode(part);
    };
    const ask = (group: GroupLog) => group.saveSnapshot({ index: at, term, metadata: new Uint8Array(3) }, chunks());
    return { after, ask, alone: true };
  }

  #remove(): Change {
    return { after: NOTHING, ask: (group) => group.remove(), alone: true };
  }
}

async function contentOf(group: GroupLog): Promise<GroupContent> {
  const { snapshot, state } = group;
  const content = snapshot === undefined ? undefined : await group.readSnapshot(snapshot, 0, 1000);
  const base = group.firstIndex - 1;
  return {
    base,
    baseTerm: group.term(base) ?? -1,
    entries: (await readAll(group)).map(textOf),
    commit: group.commit,
    state: new TextDecoder().decode(state),
    snapshot: new TextDecoder().decode(content),
  };
}

function textOf({ index, term, kind, data }: LogEntry): string {
  return `${index} ${term} ${kind} ${data.length} ${new TextDecoder().decode(data.subarray(0, 12))}`;
}

function termOf(entry: string): number {
  return Number(entry.split(' ')[1]);
}
