import {
  ClusterError,
  type ClusterErrorCode,
  type ClusterErrorDetails,
  type ClusterNode,
  type MessageKind,
  toClusterError,
} from '@quorate/core';

/** How a node introduces itself. */
export interface Hello {
  readonly node: ClusterNode;
  readonly incarnation: number;
  readonly cluster: { readonly name: string; readonly id: string | undefined };
}

/** An error on its way to the caller. */
export interface Failure extends Pick<ClusterErrorDetails, 'leader' | 'outcome'> {
  readonly code: ClusterErrorCode;
  readonly message: string;
}

export function toFailure(error: unknown): Failure {
  const { code, message, leader, outcome } = toClusterError(error, 'REMOTE', 'the handler failed');
  return { code, message, leader, outcome };
}

export function fromFailure(what: string, { code, message, leader, outcome }: Failure): ClusterError {
  return new ClusterError(code, `${what}: ${message}`, { leader, outcome });
}

/** Why a handshake came to nothing. */
export type Refusal =
  /** For a reason that both sides are to report. */
  | { readonly reason: 'refused'; readonly failure: Failure }
  /** There is a connection with this node already, or it is on the way. */
  | { readonly reason: 'crossed'; readonly nodeId: string };

/** What the two ends of a link tell each other. */
export type Frame = ControlFrame | MessageFrame | CallFrame | StreamFrame;

type ControlFrame =
  | { readonly type: 'welcome'; readonly hello: Hello }
  | { readonly type: 'refusal'; readonly refusal: Refusal }
  /** How the other end describes itself from now on. */
  | { readonly type: 'description'; readonly node: ClusterNode }
  | { readonly type: 'ping' }
  /** How much of what the other end sent has arrived. */
  | { readonly type: 'received'; readonly offset: number }
  | { readonly type: 'goodbye' }
  | { readonly type: 'closed' }
  | { readonly type: 'released' };

/** `offset` counts the bytes of queued frames up to the end of this one. */
interface MessageFrame {
  readonly type: 'message';
  readonly kind: MessageKind;
  readonly payload: Uint8Array;
  readonly offset: number;
}

export type CallFrame =
  | {
      readonly type: 'request';
      readonly id: number;
      readonly kind: MessageKind;
      readonly payload: Uint8Array;
      readonly offset: number;
    }
  | { readonly type: 'answer'; readonly id: number; readonly payload: Uint8Array }
  | { readonly type: 'failure'; readonly id: number; readonly failure: Failure }
  /** The caller has given it up. */
  | { readonly type: 'cancel'; readonly id: number };

export type StreamFrame =
  | { readonly type: 'open'; readonly stream: number; readonly kind: MessageKind }
  | { readonly type: 'opened'; readonly stream: number }
  | { readonly type: 'chunk'; readonly stream: number; readonly index: number; readonly payload: Uint8Array }
  /** After so many chunks. */
  | { readonly type: 'end'; readonly stream: number; readonly chunks: number }
  /** The sender has given it up. */
  | { readonly type: 'abandon'; readonly stream: number }
  /** The reader took so many bytes. */
  | { readonly type: 'taken'; readonly stream: number; readonly bytes: number }
  /** What the receiver's handler came to: an error, or none. */
  | { readonly type: 'done'; readonly stream: number; readonly failure: Failure | undefined };

const HEADER_BYTES = 16;

/** The size of a frame as if it were on a wire. */
export function frameBytes(frame: Frame): number {
  return HEADER_BYTES + ('payload' in frame ? frame.payload.length : 0);
}
