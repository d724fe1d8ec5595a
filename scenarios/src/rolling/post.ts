import { type Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { NodeOutcome } from '../processes/node-protocol.ts';
import type { RollingCall } from './rolling-protocol.ts';

/** Asks a node once. Never rejects: without an answer nobody knows what became of it. */
export function post(agent: Agent, port: number, call: RollingCall, timeoutMs: number): Promise<NodeOutcome> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const asked = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/', signal }, (response) => {
      text(response).then(
        (body) => resolve(JSON.parse(body) as NodeOutcome),
        (error: unknown) => resolve({ outcome: 'unknown', code: codeOf(error) }),
      );
    });
    asked.on('error', (error) => resolve({ outcome: 'unknown', code: codeOf(error) }));
    asked.end(JSON.stringify(call));
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
