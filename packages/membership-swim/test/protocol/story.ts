import { type Address, formatAddress } from '@quorate/core';
import type { Message, SuspectRumour } from '../../src/protocol/messages.ts';
import type { SwimSettings } from '../../src/protocol/settings.ts';
import type { SwimChange } from '../../src/protocol/types.ts';
import { SwimWorld, type WorldOptions } from './swim-world.ts';

// The stories are told of these, whatever the defaults become.
const SETTINGS: Partial<SwimSettings> = {
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  probeDeadlineMs: 1000,
  pingsPerProbe: 3,
  indirectProbes: 3,
  streamProbes: true,
  suspicionMult: 2,
  suspicionMaxMult: 6,
  expectedConfirmations: 3,
  confirmers: 4,
  confirmDeadlineMs: 500,
  looksBeforeGivingUp: true,
  hearsayFactor: 2,
  weighsEvidence: true,
  refusedSuspicionMs: 500,
  maxLocalHealth: 8,
  gossipIntervalMs: 200,
  gossipsAtOnce: true,
  gossipFanout: 3,
  gossipToUnreachableMs: 30_000,
  retransmitMult: 4,
  maxPacketBytes: 1300,
  pauseBoundMs: 250,
  latePatienceMs: 2000,
  forgetAfterMs: 3_600_000,
};

/** Words without `=`, and those with it. */
export interface Command {
  readonly name: string;
  readonly words: readonly string[];
  readonly named: Readonly<Record<string, string>>;
}

/** A story told in commands: each is done in a small world, and answered with what happened. */
export class Story {
  readonly #machine: WorldOptions['machine'];
  #world: SwimWorld;
  #lines: string[] = [];
  #watched = new Set<string>();
  #began = 0;
  #isQuiet = false;

  constructor(machine?: WorldOptions['machine']) {
    this.#machine = machine;
    this.#world = this.#newWorld({});
  }

  tell(command: Command): string {
    this.#lines = [];
    this.#began = this.#world.now;
    this.#do(command);
    return this.#lines.length === 0 ? 'ok' : this.#lines.join('\n');
  }

  #do({ name, words, named }: Command): void {
    const [first = '', second = ''] = words;
    const world = this.#world;
    switch (name) {
      case 'world':
        this.#world = this.#newWorld(named);
        return;
      case 'form':
        this.#isQuiet = true;
        this.#world.form(...words);
        this.#isQuiet = false;
        return;
      case 'start':
        world.start(first, startOptions(named));
        return;
      case 'exchange':
        return world.exchange(first, second);
      case 'run':
        return world.run(Number(first));
      case 'watch':
        this.#watched = new Set(words);
        return;
      case 'kill':
        return world.node(first).kill();
      case 'darken':
        return world.node(first).darken();
      case 'stall':
        return world.node(first).stall(Number(second));
      case 'lag':
        world.node(first).loopDelayMs = Number(second);
        return;
      case 'cut':
        return world.cut(first, second);
      case 'heal':
        return world.heal();
      default:
        this.#ask({ name, words, named });
    }
  }

  #ask({ name, words, named }: Command): void {
    const [first = '', second = '', third = ''] = words;
    const node = this.#world.node(first);
    const { now } = this.#world;
    switch (name) {
      case 'leave':
        return node.swim.leave(now);
      case 'examine':
        return node.swim.examine(second, now);
      case 'describe':
        return node.swim.describe({ ...node.swim.self.node, metadata: named }, now);
      case 'spread':
        node.swim.spread(128, new TextEncoder().encode(second), now, third === '' ? undefined : third);
        return;
      case 'heard':
        this.#lines.push(...node.rumours);
        return;
      case 'health':
        this.#lines.push(`${node.swim.localHealth}`);
        return;
      case 'table':
        return this.#table(first);
      default:
        throw new Error(`no command ${name}`);
    }
  }

  #table(of: string): void {
    const members = [...this.#world.node(of).swim.members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const { id, state, epoch, incarnation, refutation, joinOrder, node } of members) {
      const version = `${epoch}/${incarnation}/${refutation}`;
      this.#lines.push(`${id}@${where(node)} ${state} version=${version} joined=${joinOrder}`);
    }
  }

  #newWorld(named: Readonly<Record<string, string>>): SwimWorld {
    const settings: Partial<SwimSettings> = Object.fromEntries(
      Object.entries(named).map(([key, value]) => [
        key,
        value === 'true' || (value === 'false' ? false : Number(value)),
      ]),
    );
    const world = new SwimWorld({
      settings: { ...SETTINGS, ...settings },
      ...(this.#machine === undefined ? {} : { machine: this.#machine }),
    });
    world.onChange = (at, change) => this.#log(`${at.name}: ${describeChange(change)}`);
    world.onConflict = (at, { id, holder, claimant }) =>
      this.#log(`${at.name}: conflict over ${id}, held at ${where(holder)}, claimed at ${where(claimant)}`);
    world.onLeft = (at) => this.#log(`${at.name}: leave acknowledged`);
    world.onSent = (from, to, { messages }) => {
      const watched = messages.filter(({ type }) => this.#watched.has(type));
      if (watched.length > 0)
        this.#log(`${from.name} > ${where(to.address)} ${watched.map(describeMessage).join(', ')}`);
    };
    world.onStream = (from, to, outcome) => {
      if (this.#watched.has('stream')) this.#log(`${from.name} > ${where(to.node)} stream ${outcome}`);
    };
    return world;
  }

  #log(text: string): void {
    if (!this.#isQuiet) this.#lines.push(`+${Math.round(this.#world.now - this.#began)} ${text}`);
  }
}

function startOptions(named: Readonly<Record<string, string>>): Parameters<SwimWorld['start']>[1] {
  const { id, run, at } = named;
  return {
    ...(id === undefined ? {} : { id }),
    ...(run === undefined ? {} : { run: Number(run) }),
    ...(at === undefined ? {} : { at }),
  };
}

function where(address: Address): string {
  return formatAddress(address).replace('.test:7000', '');
}

function describeChange(change: SwimChange): string {
  const { id, incarnation } = change.member;
  const reason = 'reason' in change ? ` (${change.reason})` : '';
  return `${id} ${change.type}${reason}${incarnation === 1 ? '' : ` run=${incarnation}`}`;
}

function describeMessage(message: Message): string {
  switch (message.type) {
    case 'alive':
      return `alive(${message.member.id} ${message.member.epoch}/${message.member.incarnation}/${message.member.refutation})`;
    case 'suspect':
      return `suspect(${message.id} by ${message.by}, ${message.evidence}${asideOf(message.aside)})`;
    case 'unreachable':
      return `unreachable(${message.id} by ${message.by}, ${message.evidence})`;
    case 'left':
      return `left(${message.id})`;
    case 'ping':
    case 'ping-request':
      return `${message.type}(${message.target})`;
    case 'vouch':
      return `vouch(${message.id})`;
    case 'dispute':
      return `dispute(${message.id} at ${where(message.holder)})`;
    case 'ack':
    case 'nack':
    case 'leave':
    case 'leave-ack':
    case 'introduce':
    case 'user':
      return message.type;
  }
}

function asideOf(aside: SuspectRumour['aside']): string {
  if (aside === undefined) return '';
  return aside === 'question' ? ', asks' : ', answers';
}
