import type { NodeId } from '@quorate/core';
import type { Accusations } from './accusations.ts';
import type { Changes } from './changes.ts';
import type { Claims } from './claims.ts';
import type { SwimCore } from './core.ts';
import { isLiving } from './member-table.ts';
import type { AliveRumour } from './messages.ts';
import type { OwnRecord } from './own-record.ts';
import { recordOf } from './records.ts';
import type { MemberRecord, StateOfMember } from './types.ts';
import { compareMembers, compareVersions, isBelievable, isSameRun, prevails, versionOf } from './version.ts';

/** What is said in favour of members, and what whole tables of others say. */
export class Beliefs {
  readonly #core: SwimCore;
  readonly #own: OwnRecord;
  readonly #changes: Changes;
  readonly #accusations: Accusations;
  readonly #claims: Claims;

  constructor(parts: {
    readonly core: SwimCore;
    readonly own: OwnRecord;
    readonly changes: Changes;
    readonly accusations: Accusations;
    readonly claims: Claims;
  }) {
    this.#core = parts.core;
    this.#own = parts.own;
    this.#changes = parts.changes;
    this.#accusations = parts.accusations;
    this.#claims = parts.claims;
  }

  /** `from` told it: the node itself, or another that believes it. It is passed on as it came. */
  alive(rumour: AliveRumour, from: NodeId): void {
    const state = rumour.member;
    if (state.id === this.#core.selfId) return this.#heardOfSelf(state);
    // It has no place among the members yet. Whoever has none either takes one with it.
    if (state.joinOrder === 0) return this.#own.join();
    const known = this.#core.table.get(state.id);
    if (known !== undefined) this.#aliveAgain(rumour, known, from);
    else if (this.#changes.hasRoom(state.id)) this.#believe(rumour, undefined);
  }

  /** One member as another node has it in its table. */
  merge(state: StateOfMember, from: NodeId): void {
    const known = this.#core.table.get(state.id);
    if (known !== undefined && isAsKnown(known, state)) return;
    if (state.id === this.#core.selfId) this.#heardOfSelf(state);
    else if (state.state === 'alive') this.alive(rumourOf(state), from);
    else if (state.state === 'left') this.#mergeLeft(state, known);
    else this.#mergeAccused(state, known, from);
  }

  #aliveAgain(rumour: AliveRumour, known: MemberRecord, from: NodeId): void {
    const state = rumour.member;
    const order = compareMembers(state, known);
    const { describedIn } = known;
    if (order <= 0 && describedIn !== undefined && compareVersions(versionOf(state), describedIn) > 0) {
      return this.#describe(state, known);
    }
    if (order < 0 || !isBelievable(state, known)) return;
    const isItself = order > 0 && state.epoch === known.epoch && state.incarnation === known.incarnation;
    const isDoubtful = !isItself && !isAtSameAddress(state, known) && isLiving(known.state);
    // Its own word alone, while another may hold the id. Who passes it on has looked already.
    if (isDoubtful && from === state.id) this.#claim(rumour, known);
    else if (order > 0) this.#believe(rumour, known);
  }

  /** How a node describes itself, newer than what was known of it when it was accused. */
  #describe({ node, address, joinOrder, ...heard }: StateOfMember, known: MemberRecord): void {
    const { describedIn: _, ...accused } = known;
    const version = versionOf({ node, address, joinOrder, ...heard });
    const isWhole = compareVersions(version, versionOf(known)) === 0;
    const member = { ...accused, node, address, joinOrder, ...(isWhole ? {} : { describedIn: version }) };
    this.#changes.put(Object.freeze(member), known);
  }

  #claim(rumour: AliveRumour, holder: MemberRecord): void {
    const state = rumour.member;
    this.#claims.examine(holder, state, () => {
      const known = this.#core.table.get(state.id);
      if (known !== undefined && prevails(versionOf(state), 'alive', known)) this.#believe(rumour, known);
    });
  }

  #believe(rumour: AliveRumour, known: MemberRecord | undefined): void {
    const state = rumour.member;
    this.#changes.put(recordOf(state, known, this.#core.now), known);
    // Who joins hears of all at once: they know of each other already.
    if (this.#own.hasJoined) this.#core.spread(state.id, rumour);
  }

  #heardOfSelf(state: StateOfMember): void {
    const { self, selfId } = this.#core;
    const heard = versionOf(state);
    if (this.#own.isLeaving || compareVersions(heard, versionOf(self)) < 0) return;
    if (!isAtSameAddress(state, self) && isLiving(state.state)) this.#foundElsewhere(state);
    else if (!isSameRun(heard, versionOf(self))) this.#own.supersede(heard);
    else if (state.state !== 'alive') this.#own.refute(heard, selfId);
  }

  /** A run of this node that is later by its number is said to live at another address: perhaps it does. */
  #foundElsewhere(state: StateOfMember): void {
    const holder = recordOf(state, undefined, this.#core.now);
    this.#claims.examine(holder, this.#core.self, () => this.#own.supersede(versionOf(state)));
  }

  #mergeLeft(state: StateOfMember, known: MemberRecord | undefined): void {
    if (known === undefined) return this.#remember(state);
    if (!prevails(versionOf(state), 'left', known)) return;
    this.#changes.put(recordOf(withNewestDescription(state, known), known, this.#core.now), known);
    this.#core.spread(state.id, Object.freeze({ type: 'left', id: state.id, ...versionOf(state) }));
  }

  /** Unreachable for others is suspect here at first: the node may hear of it from here, and say otherwise. */
  #mergeAccused(state: StateOfMember, known: MemberRecord | undefined, from: NodeId): void {
    if (known === undefined && state.state === 'unreachable') return this.#remember(state);
    const { evidence = 'silent', id } = state;
    this.alive(rumourOf(asDescribed(state)), from);
    const now = this.#core.table.get(id);
    if (now === undefined || !prevails(versionOf(state), 'suspect', now)) return;
    // It could not be taken over as it was described.
    if (state.describedIn === undefined && compareVersions(versionOf(now), versionOf(state)) !== 0) return;
    const rumour = Object.freeze({ type: 'suspect', id, ...versionOf(state), by: from, evidence } as const);
    this.#accusations.suspect(rumour, from);
  }

  /** It was gone before this node heard of it: kept, so that old news doesn't bring it back. */
  #remember(state: StateOfMember): void {
    if (!this.#changes.hasRoom(state.id)) return;
    const member = recordOf(state, undefined, this.#core.now);
    this.#changes.put(Object.freeze({ ...member, isHearsay: true }), undefined);
  }
}

function rumourOf(member: StateOfMember): AliveRumour {
  return Object.freeze({ type: 'alive', member });
}

function isAsKnown(known: MemberRecord, { refutation, incarnation, epoch, state }: StateOfMember): boolean {
  return (
    known.refutation === refutation &&
    known.incarnation === incarnation &&
    known.epoch === epoch &&
    known.state === state &&
    known.describedIn === undefined
  );
}

/** The member as it was when it described itself so: it was alive then. */
function asDescribed(accused: StateOfMember): StateOfMember {
  const { evidence: _, describedIn, ...state } = accused;
  if (describedIn === undefined) return Object.freeze({ ...state, state: 'alive' });
  const { epoch, run, refutation } = describedIn;
  return Object.freeze({ ...state, state: 'alive', epoch, incarnation: run, refutation });
}

/** What is said of a member, described as by whichever of the two has heard it describe itself later. */
function withNewestDescription(state: StateOfMember, known: MemberRecord): StateOfMember {
  const { describedIn, ...said } = state;
  const own = known.describedIn ?? versionOf(known);
  if (describedIn === undefined || compareVersions(describedIn, own) >= 0) return state;
  const { node, address, joinOrder } = known;
  const isWhole = compareVersions(own, versionOf(state)) === 0;
  return Object.freeze({ ...said, node, address, joinOrder, ...(isWhole ? {} : { describedIn: own }) });
}

function isAtSameAddress(a: StateOfMember, b: StateOfMember): boolean {
  return a.node.host === b.node.host && a.node.port === b.node.port;
}
