import type { StepResult } from '../../src/raft-state.ts';
import type { Message, MessageType } from '../../src/types.ts';
import { TranscriptError } from './data-driven.ts';
import { describeMessage, describeReady } from './describe.ts';
import type { Member } from './member.ts';
import type { Output } from './output.ts';

/** What a step prints instead of being carried out: a refusal that belongs to the facts. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** To whom messages are delivered, or whose are lost. */
export interface Recipient {
  readonly id: number;
  readonly drop: boolean;
}

/** A group of nodes that does nothing by itself: the transcript moves each message and each write. */
export class Cluster {
  readonly members: Member[] = [];
  readonly #output: Output;
  #messages: Message[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  member(id: number): Member {
    const member = this.members[id - 1];
    if (!member) throw new TranscriptError(`there is no node ${id}`);
    return member;
  }

  post(...messages: readonly Message[]): void {
    this.#messages.push(...messages);
  }

  /** Does what a node has to do now, or with asynchronous writes sees to it that it will be done. */
  processReady(member: Member): void {
    const ready = member.node.ready();
    this.#output.write(describeReady(ready));
    if (!member.asyncStorageWrites) {
      member.append(ready.hardState, ready.entries, ready.snapshot);
      member.apply(ready.committedEntries);
    }
    for (const message of ready.messages) this.#route(member, message);
    if (!member.asyncStorageWrites) member.node.advance();
  }

  processAppend(member: Member): void {
    const work = member.appendWork.shift();
    if (!work) return this.#output.write('no append work to perform');
    this.#processing(work, () => member.append(work, work.entries, work.snapshot));
  }

  processApply(member: Member): void {
    const work = member.applyWork.shift();
    if (!work) return this.#output.write('no apply work to perform');
    this.#processing(work, () => member.apply(work.entries));
  }

  /** Takes messages off the network, in the order in which they were sent. Returns how many. */
  deliver(recipients: readonly Recipient[], type?: MessageType): number {
    let count = 0;
    for (const { id, drop } of recipients) {
      const isMeant = (message: Message): boolean =>
        message.to === id && !(drop && isReliable(message)) && (type === undefined || message.type === type);
      const meant = this.#messages.filter(isMeant);
      this.#messages = this.#messages.filter((message) => !isMeant(message));
      count += meant.length;
      for (const message of meant) this.#deliverOne(message, drop);
    }
    return count;
  }

  /** Lets some members do all there is to do, until nothing moves. */
  stabilize(members: readonly Member[]): void {
    for (let round = 0; this.#stabilizeOnce(members); round += 1) {
      if (round === MAX_ROUNDS) throw new TranscriptError(`something still moves after ${MAX_ROUNDS} rounds`);
    }
  }

  #stabilizeOnce(members: readonly Member[]): boolean {
    const acts = [
      this.#each(members, 'handling Ready', (member) => member.node.hasReady() && (() => this.processReady(member))),
      this.#each(members, 'receiving messages', ({ id }) => {
        return this.#messages.some(({ to }) => to === id) && (() => this.deliver([{ id, drop: false }]));
      }),
      this.#each(members, 'processing append thread', (member) => {
        return member.appendWork.length > 0 && (() => whileAny(member.appendWork, () => this.processAppend(member)));
      }),
      this.#each(members, 'processing apply thread', (member) => {
        return member.applyWork.length > 0 && (() => whileAny(member.applyWork, () => this.processApply(member)));
      }),
    ];
    return acts.includes(true);
  }

  /** Whether any member had something of this kind to do; `act` returns what, just before it is done. */
  #each(members: readonly Member[], title: string, act: (member: Member) => false | (() => void)): boolean {
    let any = false;
    for (const member of members) {
      const todo = act(member);
      if (!todo) continue;
      this.#output.writeLine(`> ${member.id} ${title}`);
      this.#output.indented(todo);
      any = true;
    }
    return any;
  }

  #route(member: Member, message: Message): void {
    if (!isLocalTarget(message.to)) return this.post(message);
    if (!member.asyncStorageWrites) throw new TranscriptError(`${member.id} gives work to a thread that isn't there`);
    if (message.type === 'StorageAppend') member.appendWork.push(message);
    else if (message.type === 'StorageApply') member.applyWork.push(message);
    else throw new TranscriptError(`${member.id} gives a thread Msg${message.type}`);
  }

  #processing(work: Message, carryOut: () => void): void {
    this.#output.writeLine('Processing:');
    this.#output.writeLine(describeMessage({ ...work, responses: [] }));
    carryOut();
    this.#output.writeLine('Responses:');
    for (const response of work.responses) this.#output.writeLine(describeMessage(response));
    this.post(...work.responses);
  }

  #deliverOne(message: Message, drop: boolean): void {
    this.#output.writeLine(`${drop ? 'dropped: ' : ''}${describeMessage(message)}`);
    if (drop) return;
    const result = this.member(message.to).node.step(message);
    const refusal = REFUSAL_TEXTS[result];
    // The reference has a word for proposals that go nowhere, and none for other requests.
    const isSilent = refusal === PROPOSAL_DROPPED && message.type !== 'Prop';
    if (refusal !== undefined && !isSilent) this.#output.writeLine(refusal);
  }
}

const PROPOSAL_DROPPED = 'raft proposal dropped';

/** How the transcripts' authors put what may become of a message. */
export const REFUSAL_TEXTS: Readonly<Record<StepResult, string | undefined>> = {
  ok: undefined,
  'no-leader': PROPOSAL_DROPPED,
  transferring: PROPOSAL_DROPPED,
  overloaded: PROPOSAL_DROPPED,
  'not-electable': undefined,
  later: undefined,
  'not-caught-up': undefined,
  'unknown-peer': 'raft: cannot step as peer not found',
  malformed: undefined,
  'local-only': 'raft: cannot step raft local message',
};

const MAX_ROUNDS = 10_000;

/** Whether `id` is a part of a process rather than a node. */
function isLocalTarget(id: number): boolean {
  return id < 0;
}

/** What a node says to itself, or to and from its own storage, can't get lost. */
function isReliable({ from, to }: Message): boolean {
  return from === to || isLocalTarget(from) || isLocalTarget(to);
}

function whileAny(work: readonly Message[], act: () => void): void {
  while (work.length > 0) act();
}
