/** What a client saw of its call: what it returned, or nothing, so that nobody knows whether it had an effect. */
export type Output<O> = { readonly value: O } | 'unknown';

/**
 * One call of one client. An operation of which it is certain that it had no effect is left out of a history.
 * One whose output is `unknown` may take effect at any time after its call, or never.
 */
export interface Operation<I, O> {
  /** Whose call it was; for people. */
  readonly client: string | number;
  readonly input: I;
  readonly output: Output<O>;
  /** When it was called. All times of a history are of one clock, of any unit. */
  readonly calledAt: number;
  /** When it returned. Of an unknown operation: when its client gave it up, which limits nothing. */
  readonly returnedAt: number;
}

/** What a model says of an operation in a state. */
export type Step<S> = { readonly ok: true; readonly state: S } | { readonly ok: false };

/**
 * An object as it would be if all its operations came one after another: what a history is compared with.
 * Pure functions; what they are handed is never changed. Two inputs of equal content are the same to them.
 */
export interface SequentialModel<S, I, O> {
  /** The state at the beginning. */
  init(): S;
  /** The state behind the operation, if it can give this output in this state; of an unknown output, if it can happen. */
  step(state: S, input: I, output: Output<O>): Step<S>;
  /** A text that two states share only if they are the same. */
  key(state: S): string;
  /**
   * The part of the object that the operation is about. Parts know nothing of each other, so that each is checked by
   * itself: a history is linearizable when those of its parts are (Herlihy and Wing 1990, locality).
   * @default one part
   */
  readonly partition?: ((input: I) => string) | undefined;
  /**
   * Whether an operation with this output leaves every state as it is: a read, or a write that says that it did nothing.
   * The more of these are known, the faster is the check.
   * @default false
   */
  readonly isRead?: ((input: I, output: Output<O>) => boolean) | undefined;
}
