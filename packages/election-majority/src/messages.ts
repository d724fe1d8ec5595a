/** What every message carries, so that no voter counts for another that goes by other rules. */
interface MessageOrigin {
  /** Of the electorate that the sender counts in. */
  readonly generation: number;
  /** The `rulesFingerprint` of the sender. */
  readonly rules: number;
  readonly term: number;
}

/** What voters say to each other. */
export type ElectionMessage = MessageOrigin &
  (Heartbeat | HeartbeatAck | PreVote | PreVoteReply | Vote | VoteReply | HandOver | Release);

/** The leader of `term` lives, and asks for the promise to be renewed. Observers get it too, and do not answer. */
interface Heartbeat {
  readonly type: 'heartbeat';
  /** Names the moment at which it was sent. */
  readonly round: number;
}

/** The sender promises `round`'s sender its loyalty from now on; or, by a higher term, tells that it is deposed. */
interface HeartbeatAck {
  readonly type: 'heartbeat-ack';
  readonly round: number;
  /** Whether the sender stands for election, and so could be handed the leadership. */
  readonly candidate: boolean;
  readonly priority: number;
}

/** Would you vote for me in `term`? Binds nobody. */
interface PreVote {
  readonly type: 'pre-vote';
  readonly priority: number;
}

interface PreVoteReply {
  readonly type: 'pre-vote-reply';
  readonly granted: boolean;
  readonly voterTerm: number;
  /** When refused because of a promise: how long that lasts. */
  readonly retryAfterMs: number;
}

interface Vote {
  readonly type: 'vote';
  /** The term whose leader ended its grant in favour of this candidate; 0 if none did. */
  readonly releasedTerm: number;
}

interface VoteReply {
  readonly type: 'vote-reply';
  readonly granted: boolean;
  readonly voterTerm: number;
  readonly retryAfterMs: number;
  /** As in an acknowledged heartbeat, so that a new leader knows at once whom it could hand over to. */
  readonly candidate: boolean;
  readonly priority: number;
}

/** The leader of `term` has ended its grant: stand for election now. */
interface HandOver {
  readonly type: 'hand-over';
}

/** The leader of `term` has ended its grant: no promise to it holds any longer. */
interface Release {
  readonly type: 'release';
  /** Whether a successor was told: others need not hurry, then. */
  readonly successor: boolean;
}

/** The message without what every message carries, as the state machine makes it. */
export type MessageOf<T extends ElectionMessage['type']> = Extract<ElectionMessage, { readonly type: T }>;
