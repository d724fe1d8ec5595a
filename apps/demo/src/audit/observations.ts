import type { QueueName } from '../broker/commands.ts';

/** Milliseconds of the clock of whoever observes: all of one audit have one clock. */
export type ObservedMs = number;

/** What the broker has promised of a queue. */
export interface AuditedQueue {
  readonly name: QueueName;
  readonly fifo: boolean;
  readonly visibilityMs: number;
  readonly maxDeliveries: number;
  readonly deadLetterQueue?: QueueName;
}

/** A message as its producer made it. */
export interface Publication {
  readonly id: string;
  readonly body: string;
  readonly key?: string;
  readonly delayMs?: number;
  /** All who receive it reject it: it is to end among the dead letters. */
  readonly isPoison?: boolean;
}

/** A message as a consumer got it. */
export interface ObservedDelivery {
  readonly receipt: string;
  readonly id: string;
  readonly body: string;
  readonly attempt: number;
  /** It was handed out between the two: when it was asked for, and when it was there. */
  readonly askedAt: ObservedMs;
  readonly at: ObservedMs;
  /** It came on a stream, which may have ended before this is known here. */
  readonly isStreamed?: boolean;
}

export type SettlementKind = 'acknowledge' | 'reject';

/** `unconfirmed`: whether it was done, nobody can tell. */
export type SettlementOutcome = 'done' | 'unknown-receipt' | 'unconfirmed';

export type ProblemKind =
  /** Accepted, and neither delivered nor among the dead letters, or gone from its queue without having been acknowledged. */
  | 'lost'
  /** Delivered, and never published. */
  | 'invented'
  /** Not as it was published. */
  | 'altered'
  /** Of a fifo queue: handed out while one before it in its key was not done with. */
  | 'out-of-order'
  /** Delivered once more without a reason. */
  | 'unwarranted'
  /** Before its delay was over. */
  | 'too-early'
  /** More often than the queue allows. */
  | 'too-often'
  /** One id was accepted twice. */
  | 'accepted-twice'
  /** Something was settled that could no longer be. */
  | 'settled-late'
  /** Among the dead letters, and shouldn't be. */
  | 'dead-letter';

export interface Problem {
  readonly kind: ProblemKind;
  /** A sentence. */
  readonly text: string;
}
