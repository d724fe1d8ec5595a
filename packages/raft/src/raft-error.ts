/** Why a node refuses to be built or to go on. Closed: callers branch on the code. */
export type RaftErrorCode =
  /** An option is wrong, or options contradict each other. */
  | 'INVALID_CONFIG'
  /** The stored log, its hard state and what peers say cannot all be true: data were lost or mixed up. */
  | 'LOG_BROKEN'
  /** The caller broke one of its duties; the message says which. */
  | 'MISUSE';

/**
 * Thrown where going on would endanger what the group has promised. The node's state is unusable afterwards: the
 * caller stops this group and tells its operator. What happens in normal life is a `StepResult`, never an error.
 */
export class RaftError extends Error {
  override readonly name = 'RaftError';
  readonly code: RaftErrorCode;

  constructor(code: RaftErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
