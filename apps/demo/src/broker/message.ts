import type { QueueContent } from './queue-content.ts';

/** Where a message is on its way. The numbers are those of snapshots. */
export const state = {
  /** Can be handed out. */
  ready: 0,
  /** Follows others of its key. */
  following: 1,
  /** Comes again, or for the first time, when it is due. */
  delayed: 2,
  /** A consumer has it until it is due. */
  inFlight: 3,
} as const;

export type MessageState = (typeof state)[keyof typeof state];

export const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** What is told to consumers of a message. */
export interface MessageContent {
  readonly id: string;
  /** A byte a character: texts are of the heap, which costs less than small arrays of bytes do. */
  readonly body: string;
  readonly key: string | undefined;
  readonly priority: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Counted against the broker's bound. */
  readonly bytes: number;
}

/** A message of one queue. */
export class Message {
  readonly content: MessageContent;
  /** The messages of the queue, until it is purged. */
  readonly among: QueueContent;
  /** Grows from each that is accepted to the next. */
  readonly sequence: number;
  /** How often it was handed out. */
  attempt = 0;
  state: MessageState = state.ready;
  /** When it is delayed or in flight. Milliseconds of the log. */
  due = 0;
  /** In the heap that it is in. */
  place = -1;
  /** In the list of those that are ready. */
  next: Message | undefined = undefined;
  /** Of its key. */
  follower: Message | undefined = undefined;

  constructor(sequence: number, among: QueueContent, content: MessageContent) {
    this.sequence = sequence;
    this.among = among;
    this.content = content;
  }
}
