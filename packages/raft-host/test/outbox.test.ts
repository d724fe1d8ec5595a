import { crc32, type NodeId } from '@quorate/core';
import type { Entry, Message } from '@quorate/raft';
import { describe, expect, it } from 'vitest';

import { EntryBatches } from '../src/entry-batches.ts';
import { Outbox, type Sender } from '../src/outbox.ts';
import { readFrame } from '../src/wire/frame-reader.ts';
import { ANSWER, nothing } from './wire/arbitrary-messages.ts';

/** An outbox, the frames that have left it, and what its groups were told. */
class Post {
  /** Of each frame: its messages' types, and the index that each speaks of. */
  readonly frames: string[] = [];
  readonly unsent: string[] = [];
  isConnected = true;
  readonly outbox: Outbox = new Outbox(
    { sendNow: (to, _kind, parts) => this.#take(to, parts) },
    new EntryBatches(crc32),
    crc32,
  );

  group(id: number): Sender {
    return { id, formationTag: 1, unsent: ({ type }) => this.unsent.push(`${type} of ${id}`) };
  }

  #take(to: NodeId, parts: readonly Uint8Array[]): boolean {
    const messages = readFrame(new Uint8Array(Buffer.concat(parts)), crc32);
    const texts = messages.map(({ group, message }) => `${group}: ${textOf(message)}`);
    if (this.isConnected) this.frames.push(`${to} ${texts.join(', ')}`);
    return this.isConnected;
  }
}

function textOf({ type, index, entries, commit }: Message): string {
  return `${type} ${index}+${entries.length} commit ${commit}`;
}

function append(index: number, commit: number, entries: number, fields: Partial<Message> = {}): Message {
  const more = Array.from({ length: entries }, (_, at): Entry => {
    return { index: index + 1 + at, term: 3, type: 'normal', data: Uint8Array.of(at) };
  });
  return { ...ANSWER, ...nothing, type: 'App', term: 3, logTerm: 3, index, commit, entries: more, ...fields };
}

describe('an append without entries', () => {
  it('goes in the next append of the group to that member, which says the same', () => {
    const post = new Post();
    const { outbox, frames } = post;
    const one = post.group(1);
    outbox.add('b', one, append(5, 4, 0));
    expect(outbox).toMatchObject({ isEmpty: false, isUrgent: false });
    outbox.add('b', one, append(5, 5, 0));
    outbox.add('b', one, append(5, 5, 2));
    expect(outbox).toMatchObject({ isEmpty: false, isUrgent: true });
    outbox.flush();
    outbox.flush();
    expect(frames).toEqual(['b 1: App 5+2 commit 5']);
    expect(outbox).toMatchObject({ isEmpty: true, isUrgent: false });
  });

  it('goes by itself, in its place, where nothing follows that says the same', () => {
    const others: readonly (readonly [number, Message])[] = [
      [2, append(5, 5, 1)],
      [1, append(6, 5, 1)],
      [1, append(5, 3, 1)],
      [1, append(5, 5, 1, { term: 4 })],
      [1, append(5, 5, 1, { to: 9 })],
      [1, { ...ANSWER, ...nothing, type: 'Heartbeat', term: 3, index: 5, commit: 5 }],
    ];
    for (const [id, message] of others) {
      const post = new Post();
      const { outbox, frames } = post;
      outbox.add('b', post.group(1), append(5, 4, 0));
      outbox.add('b', post.group(id), message);
      outbox.flush();
      expect(frames).toEqual([`b 1: App 5+0 commit 4, ${id}: ${textOf(message)}`]);
    }
  });

  it('goes by itself at the end, and to each peer', () => {
    const post = new Post();
    const { outbox, frames } = post;
    const one = post.group(1);
    for (const to of ['b', 'c']) outbox.add(to, one, append(5, 4, 0));
    outbox.add('c', one, append(5, 4, 1));
    outbox.flush();
    expect(frames).toEqual(['b 1: App 5+0 commit 4', 'c 1: App 5+1 commit 4']);
  });

  it('is told to be lost, as any append is', () => {
    const post = new Post();
    const { outbox } = post;
    post.isConnected = false;
    outbox.add('b', post.group(1), append(5, 4, 0));
    outbox.add('b', post.group(2), append(5, 4, 1));
    outbox.flush();
    expect(post.unsent).toEqual(['App of 1', 'App of 2']);
  });
});
