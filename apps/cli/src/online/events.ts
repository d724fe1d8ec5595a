import type { EventReport, EventsReport } from '@quorate/operations';
import type { Output, Style } from '../output.ts';
import type { Connection } from './connection.ts';

export interface EventsChoice {
  readonly follow: boolean;
  /** The node whose events are meant. */
  readonly on?: string | undefined;
  /** Of those that are kept, only the newest. */
  readonly tail?: number | undefined;
}

const WAIT_MS = 20_000;
const STYLES: Readonly<Partial<Record<EventReport['type'], Style>>> = {
  failed: 'red',
  error: 'red',
  suspected: 'yellow',
  refused: 'yellow',
  leader: 'bold',
  joined: 'green',
};

/** What one node has seen, and with `follow` what it sees, until the signal. One JSON object a line, where it is JSON. */
export async function events(
  { follow, on, tail }: EventsChoice,
  { node, timeoutMs }: Connection,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const where = on === undefined ? { timeoutMs } : { on, timeoutMs };
  let report = await node.events(where);
  const kept: EventReport[] = [...report.events];
  while (report.events.length > 0) {
    report = await node.events({ ...where, session: report.session, after: report.last });
    kept.push(...report.events);
  }
  for (const event of kept.slice(tail === undefined ? 0 : Math.max(0, kept.length - tail))) tell(event, output);
  if (!follow) return;
  while (!signal.aborted) {
    const { session, last: after } = report;
    try {
      report = await node.events({ ...where, session, after, waitMs: WAIT_MS, signal });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    tellLost(report, output);
    for (const event of report.events) tell(event, output);
  }
}

function tellLost({ isOtherSession, lost }: EventsReport, output: Output): void {
  if (!isOtherSession && lost === 0) return;
  const text = isOtherSession ? 'the node was started anew' : `${lost} events were not kept`;
  const event = { type: 'gap', lost: isOtherSession ? undefined : lost, text };
  if (output.isJson) output.line(JSON.stringify(event));
  else output.line(output.styled('yellow', `-- ${text} --`));
}

function tell({ number, agoMs, type, nodeId, text }: EventReport, output: Output): void {
  const at = new Date(Date.now() - agoMs).toISOString();
  if (output.isJson) output.line(JSON.stringify({ number, at, type, nodeId, text }));
  else output.line(`${output.styled('dim', at)}  ${output.styled(STYLES[type], type.padEnd(19))}  ${text}`);
}
