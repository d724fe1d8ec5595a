import type { NodeEvent } from '../http/node-event.ts';

/** What a node tells whoever started it: over IPC where that is a program, as lines where it is a person. */
export type NodeReport =
  /** It serves others: other nodes at `address`, clients at `url`. */
  | { readonly type: 'started'; readonly at: string; readonly address: string; readonly url: string }
  | { readonly type: 'event'; readonly event: NodeEvent }
  | { readonly type: 'stopped'; readonly at: string };

export type ReportSink = (report: NodeReport) => void;

/** One line for people. */
export function describeReport(report: NodeReport): string {
  switch (report.type) {
    case 'started':
      return `nodes reach it at ${report.address}, clients at ${report.url}`;
    case 'event':
      return report.event.text;
    case 'stopped':
      return 'stopped';
  }
}
