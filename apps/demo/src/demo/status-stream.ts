import { createParser } from 'eventsource-parser';
import type { NodeStatus } from '../broker/node-status.ts';

/** What one node says of itself, from now on until it ends or the signal aborts. */
export async function followStatus(
  url: string,
  onStatus: (status: NodeStatus) => void,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === 'status' && !signal.aborted) onStatus(JSON.parse(data) as NodeStatus);
    },
  });
  try {
    const response = await fetch(`${url}/v1/cluster/events`, { signal, headers });
    if (!response.ok || response.body === null) return;
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) parser.feed(chunk);
  } catch {
    // It has ended: by either side, in whatever way.
  }
}
