import { type ConfState, type Entry, type HardState, MemoryRaftStorage, type Message, type Ready } from '@quorate/raft';
import { neverGoesBack } from './rules.ts';

/** What outlives a crash. With `conf`, the state machine does too, and so the configuration that it has come to. */
export class Disk extends MemoryRaftStorage {
  conf: ConfState | undefined;
  /** Whether something was asked for that has to be read first. */
  isAsked = false;
  readonly #inSmallPages: boolean;

  /** @param inSmallPages Gives one entry at a time, however many may be had. */
  constructor(inSmallPages: boolean) {
    super();
    this.#inSmallPages = inSmallPages;
  }

  override entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | 'later' | undefined {
    const entries = super.entries(lo, hi, maxBytes);
    if (entries === 'later') this.isAsked = true;
    return this.#inSmallPages && typeof entries === 'object' ? entries.slice(0, 1) : entries;
  }

  override load(): void {
    this.isAsked = false;
    super.load();
  }

  override initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    const { hardState, confState } = super.initialState();
    return { hardState, confState: this.conf ?? confState };
  }

  override setHardState(next: HardState): void {
    const { term, vote, commit } = this.initialState().hardState;
    neverGoesBack('the stored term', term, next.term);
    neverGoesBack('the stored commit index', commit, next.commit);
    if (next.term === term && vote !== 0 && next.vote !== vote)
      throw new Error(`election safety: the vote for ${vote} in term ${term} became one for ${next.vote}`);
    super.setHardState(next);
  }

  /** Everything of a Ready, or of a message to storage, in one piece. Installs the snapshot first. */
  write(work: Pick<Ready, 'hardState' | 'entries' | 'snapshot'>): void {
    if (work.snapshot !== undefined) this.applySnapshot(work.snapshot);
    this.append(work.entries);
    if (work.hardState !== undefined) this.setHardState(work.hardState);
  }

  /** Nobody may be told of what is not on the disk, unless a later term has made it worthless. */
  mustHold(m: Message): void {
    if (m.reject) return;
    const { term, vote } = this.initialState().hardState;
    const isVote = m.type === 'VoteResp' && (term < m.term || (term === m.term && vote !== m.to));
    const isAppend = m.type === 'AppResp' && (term < m.term || (term === m.term && this.lastIndex() < m.index));
    if (isVote || isAppend) throw new Error(`durability: ${m.from} says ${m.type} to ${m.to} before it is on the disk`);
  }
}
