import type { ConsumerDoes } from './control-requests.ts';

// What the events but `state` and `entry` carry.

/** First of all on each connection, so that a page that was cut off has everything again. */
export interface Hello {
  /** Of the server: another one than the page was made by makes it load anew. */
  readonly run: string;
  readonly samples: readonly Sample[];
}

/** One second of the charts. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly failed: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** A message that a person published, and what became of it. Times are milliseconds since it was sent. */
export interface PublishedMessage {
  readonly id: string;
  readonly text: string;
  readonly state: 'sending' | 'accepted' | 'delivered' | 'acknowledged' | 'rejected' | 'dead' | 'failed';
  /** By the last of these, oldest first. */
  readonly steps: readonly MessageStep[];
}

/** What the page is told. */
export interface PublishedMessages {
  readonly does: ConsumerDoes;
  /** Newest first. */
  readonly messages: readonly PublishedMessage[];
}

export interface MessageStep {
  readonly what: string;
  readonly afterMs: number;
}
