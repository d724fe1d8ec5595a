import { ClusterError, encodeBatch, type GroupLog, type NodeId, randomId, toClusterError } from '@quorate/core';
import { encodeConfChange } from '@quorate/raft';
import { GroupRecord } from '../group-record.ts';
import { decodeGroupState, type GroupState, type Identity } from '../group-state.ts';
import { encodeChangeContext, type Member } from '../members.ts';
import type { RaftHost } from '../raft-host.ts';
import { requestKind } from '../request-kind.ts';
import { kindOf } from '../wire/entry-kind.ts';
import { Arrivals } from './arrivals.ts';
import { Formation, numberOf, type Place } from './formation.ts';
import { decodeAnswer, decodeInvitation, decodeQuestion, encodeControl } from './formation-messages.ts';

/** The term of what a founder's log begins with: nobody leads in it. */
export const FORMING_TERM = 1;
/** How long a founder has to answer another. */
const CALL_MS = 5000;
/** Who waits to be invited, and is spoken to by members all the same, asks who it is so often. */
const INQUIRY_MS = 1000;
/** Founders that don't find all others ask less and less often, down to one round in so many times the first pause. */
const MAX_PAUSES = 8;

/** How this node comes to be a member of a group: what it has of it, forms of it, or is invited to. */
export class Founding {
  readonly #host: RaftHost;
  readonly #group: number;
  readonly #log: GroupLog;
  readonly #voters: readonly NodeId[];
  /** Ends with the forming, or with an invitation; undefined from then on. */
  #forming: AbortController | undefined = new AbortController();
  /** A peer is there that the forming has waited for; undefined while none is waited for. */
  #onFounder: ((peer: NodeId) => void) | undefined;
  /** Others write term and vote with it. */
  readonly record: GroupRecord;
  /** Resolves when what this node is has become durable. */
  #taken: Promise<void> = Promise.resolve();
  #inquiredAt = -Infinity;
  /** With whom the group was formed, where this process has learnt it. */
  #founders: readonly Member[] | undefined;

  private constructor(host: RaftHost, log: GroupLog, voters: readonly NodeId[], state: GroupState) {
    this.record = new GroupRecord(state);
    this.#host = host;
    this.#group = log.id;
    this.#log = log;
    this.#voters = voters;
  }

  /**
   * Reads what there is of the group, or notes that there is nothing; or nothing more, where the log was set aside.
   * @throws ClusterError `CORRUPT`, `IO`
   */
  static async open(host: RaftHost, log: GroupLog, voters: readonly NodeId[]): Promise<Founding> {
    if (log.state !== undefined) return new Founding(host, log, voters, decodeGroupState(log.state));
    // Nothing begins so but a restore, which says last that there is a group.
    if (log.snapshot !== undefined || log.lastIndex > 0) {
      throw new ClusterError('CORRUPT', `group ${log.id} was restored in part: restore it again, or wipe the node`);
    }
    const disk = randomId(host.context.random);
    const founding = new Founding(host, log, voters, {
      disk,
      identity: undefined,
      isRemoved: false,
      ...(host.log.loss !== undefined && { isLost: true }),
      term: 0,
      vote: 0,
    });
    await log.append([], { state: founding.record.encode() });
    return founding;
  }

  get state(): GroupState {
    return this.record.state;
  }

  /** Stops forming: an invitation came, or the group is closed. */
  stop(): void {
    this.#forming?.abort('the forming is over');
    this.#forming = undefined;
  }

  /**
   * Forms the group, or finds the one that was formed; undefined when that was stopped.
   * @param ready is called when a majority of the founders knows that the group exists
   * @throws ClusterError `REFUSED` when this node has no place in it; `IO`
   */
  async form(retryMs: number, ready: () => void): Promise<Identity | undefined> {
    const { context } = this.#host;
    const signal = this.#forming?.signal;
    if (signal === undefined) return undefined;
    const voters = this.#voters;
    const arrivals = new Arrivals(context.clock, context.transport, signal);
    const formation = new Formation({
      self: context.self.id,
      random: context.random,
      pause: (rounds, ending) => arrivals.next(retryMs * Math.min(2 ** (rounds - 1), MAX_PAUSES), ending),
      voters,
      disk: this.state.disk,
      ask: async (peer, ending) =>
        decodeAnswer(await this.#call(peer, requestKind.ASK, encodeControl({ voters }), ending)),
      invite: async (peer, invitation) => void (await this.#call(peer, requestKind.INVITE, encodeControl(invitation))),
      take: (place) => this.#take(place),
      ready,
      hindered: (error) => context.logger.debug(`group ${this.#group} is not formed yet: ${error.message}`, error),
    });
    this.#onFounder = (peer) => {
      if (formation.waitsFor(peer)) arrivals.noticed();
    };
    try {
      const place = await formation.run(signal);
      await this.#take(place);
      return place.identity;
    } catch (error) {
      if (signal.aborted) return undefined;
      throw toClusterError(error, 'IO', `form group ${this.#group}`);
    } finally {
      this.#onFounder = undefined;
    }
  }

  /**
   * What this node knows of the group. That `from` asks says that it is there.
   * @param members as far as they are known here
   * @throws ClusterError `PROTOCOL`, `ELECTORATE_MISMATCH`; `REFUSED` where that is lost, so that nobody takes it for
   * nothing and forms the group again
   */
  answer(from: NodeId, question: Uint8Array, members: readonly Member[]): Uint8Array {
    const { voters } = decodeQuestion(question);
    const own = this.#voters;
    if (voters.length !== own.length || voters.some((voter, at) => voter !== own[at])) {
      const [here, there] = [own.join(', '), voters.join(', ')];
      const message = `group ${this.#group} is to be founded by ${here} here, and by ${there} there`;
      throw new ClusterError('ELECTORATE_MISMATCH', message);
    }
    this.#onFounder?.(from);
    const { disk, identity, isLost } = this.state;
    if (isLost) throw new ClusterError('REFUSED', `${this.#host.context.self.id} has lost what it knew of the group`);
    const founders = this.#founders;
    return encodeControl({
      disk,
      members,
      ...(identity && { formation: identity.formation }),
      ...(founders && { founders }),
    });
  }

  /**
   * Becomes what the invitation says. A member that was removed becomes another one so, and keeps its log: all in it is
   * the group's, and what isn't committed gives way as it does on any follower.
   * @param leave is called when this node ceases to be another member, before that is written
   * @throws ClusterError `PROTOCOL`; `REFUSED` when it is for another disk, or this node is something else already; `IO`
   */
  async accept(from: NodeId, invitation: Uint8Array, leave: () => void): Promise<Identity> {
    const { formation, number, disk, founders } = decodeInvitation(invitation);
    const { disk: own, identity, isRemoved } = this.state;
    const self = this.#host.context.self.id;
    if (disk !== own) throw new ClusterError('REFUSED', `${from} means a log that ${self} has no longer`);
    if (identity?.formation === formation && identity.number < number && isRemoved) {
      leave();
      this.#taken = this.#becomeMember({ identity: { formation, number }, founders: undefined });
    } else if (identity !== undefined && (identity.formation !== formation || identity.number !== number)) {
      throw new ClusterError('REFUSED', `${self} is in another formation of group ${this.#group}, or another member`);
    }
    await this.#take({ identity: { formation, number }, founders });
    return { formation, number };
  }

  /**
   * A member speaks to this node, which waits to be invited: the invitation has not come yet, or the log is lost that was
   * meant by an earlier one. Asks that member.
   * @returns what this node is now; undefined where it is nobody yet, or did not ask
   * @throws ClusterError `REFUSED` when the log is lost; `ELECTORATE_MISMATCH`; what prevents the answer
   */
  async inquire(member: NodeId): Promise<Identity | undefined> {
    const { clock, self } = this.#host.context;
    if (clock.now() - this.#inquiredAt < INQUIRY_MS) return undefined;
    this.#inquiredAt = clock.now();
    const question = encodeControl({ voters: this.#voters });
    const answer = await this.#call(member, requestKind.ASK, question, this.#forming?.signal);
    const { formation, members } = decodeAnswer(answer);
    const number = numberOf(self.id, this.state.disk, members);
    if (formation === undefined || number === undefined || this.state.identity !== undefined) return undefined;
    await this.#take({ identity: { formation, number }, founders: undefined });
    return this.state.identity;
  }

  /** Becomes this member, durably. Whoever comes meanwhile, with an invitation perhaps, waits for the same. */
  #take(place: Place): Promise<void> {
    if (this.state.identity === undefined) this.#taken = this.#becomeMember(place);
    return this.#taken;
  }

  /** The log of a founder begins with all of them as voters, committed, in term 1: the same bytes on each. */
  async #becomeMember({ identity, founders }: Place): Promise<void> {
    this.record.become(identity, founders === undefined ? 0 : FORMING_TERM);
    this.#founders = founders;
    const batches = (founders ?? []).map((member, at) => {
      const context = encodeChangeContext({ members: [member] });
      const { type, data } = encodeConfChange({ version: 1, type: 'add-node', nodeId: member.number, context });
      return encodeBatch([{ index: at + 1, term: FORMING_TERM, kind: kindOf(type), data }], this.#host.crc32);
    });
    const commit = founders === undefined ? {} : { commit: batches.length };
    await this.#log.append(batches, { state: this.record.encode(), ...commit });
  }

  #call(to: NodeId, kind: number, body: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#host.request(to, this.#group, kind, body, { timeoutMs: CALL_MS, ...(signal && { signal }) });
  }
}
