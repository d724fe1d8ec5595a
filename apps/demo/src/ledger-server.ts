import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Address, formatAddress, isNodeId, type NodeId } from '@quorate/core';
import type { Ledger, LedgerEntry } from './ledger.ts';
import { SlotKeeper } from './slot-keeper.ts';

const MAX_BODY_BYTES = 1024;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 256;

export interface LedgerServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * `POST /tickets` with `{ token, node }` gives 201 and `{ number }`, or 409 and `{ highest }`. `POST /slots` takes a command of
 * slot claims, and gives 200 and its result.
 */
export async function serveLedger(
  ledger: Ledger,
  { host, port }: Address,
  onEntry: (entry: LedgerEntry) => void = () => undefined,
): Promise<LedgerServer> {
  const slots = new SlotKeeper();
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void handle({ ledger, slots, onEntry }, request, response).catch(() => response.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, host, port);
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${formatAddress({ host, port: bound.port })}`,
    [Symbol.asyncDispose]: () => close(server),
  };
}

interface Served {
  readonly ledger: Ledger;
  readonly slots: SlotKeeper;
  readonly onEntry: (entry: LedgerEntry) => void;
}

async function handle(
  { ledger, slots, onEntry }: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'POST' && request.url === '/slots') {
    return answer(response, 200, slots.apply(slots.read(await readBody(request))));
  }
  if (request.method !== 'POST' || request.url !== '/tickets') return answer(response, 404, { error: 'not found' });
  const ticket = parseTicket(await readBody(request));
  if (ticket === undefined) return answer(response, 400, { error: 'expected { "token": "1", "node": "a" }' });
  const entry = ledger.submit(ticket.token, ticket.node);
  onEntry(entry);
  if (entry.type === 'accepted') answer(response, 201, { number: entry.number });
  else answer(response, 409, { highest: String(entry.highest) });
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > MAX_BODY_BYTES) return '';
  }
  return body;
}

function parseTicket(body: string): { token: bigint; node: NodeId } | undefined {
  try {
    const { token, node } = JSON.parse(body) as { token?: unknown; node?: unknown };
    if (typeof token !== 'string' || !/^\d{1,20}$/u.test(token) || !isNodeId(node)) return undefined;
    return { token: BigInt(token), node };
  } catch {
    return undefined;
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
