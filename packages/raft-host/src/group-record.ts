import { encodeGroupState, type GroupState, type Identity } from './group-state.ts';

/** What a group remembers beside its log, as it was handed to the disk last, or is about to be. */
export class GroupRecord {
  #state: GroupState;

  constructor(state: GroupState) {
    this.#state = state;
  }

  get state(): GroupState {
    return this.#state;
  }

  encode(): Uint8Array {
    return encodeGroupState(this.#state);
  }

  /** Encoded, with this term and vote. */
  encodeVote(term: number, vote: number): Uint8Array {
    this.#state = { ...this.#state, term, vote };
    return this.encode();
  }

  /** This node becomes this member. What it has voted stays: terms are the group's, whatever its number was before. */
  become(identity: Identity, term: number): void {
    const { isLost: _lost, ...state } = this.#state;
    this.#state = { ...state, identity, term: Math.max(term, state.term), isRemoved: false };
  }

  /** The member that this node was is none any more. */
  remove(): void {
    this.#state = { ...this.#state, isRemoved: true };
  }
}
