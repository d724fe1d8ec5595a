import { ClusterError } from './cluster-error.ts';

/** Where something listens: a host name or IP address (an IPv6 address without brackets) and a TCP port. */
export interface Address {
  readonly host: string;
  /** 0 to 65,535; 0 only where something is bound, and means "any free port". */
  readonly port: number;
}

const MAX_HOST_LENGTH = 255;
const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/u;
const IPV6 = /^[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?$/u;
const ADDRESS = /^(?:\[(?<six>[^\]]*)\]|(?<host>[^:[\]]*)):(?<port>\d{1,5})$/u;

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * The reverse of `formatAddress`.
 * @throws ClusterError `INVALID_ADDRESS`, quoting the text
 */
export function parseAddress(text: string): Address {
  const parts = ADDRESS.exec(text)?.groups;
  const host = parts?.['six'] ?? parts?.['host'] ?? '';
  const address = { host, port: Number(parts?.['port'] ?? Number.NaN) };
  if (!isAddress(address)) {
    throw new ClusterError('INVALID_ADDRESS', `expected host:port or [ipv6]:port, got ${JSON.stringify(text)}`);
  }
  return address;
}

/** Whether a value from outside is an address that can be dialled or bound. */
export function isAddress(value: unknown): value is Address {
  if (typeof value !== 'object' || value === null) return false;
  const { host, port } = value as Partial<Record<keyof Address, unknown>>;
  return isHost(host) && typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 0xffff;
}

/** Whether the host is this machine's loopback interface, judged by its text alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(host);
}

function isHost(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_HOST_LENGTH) return false;
  return value.includes(':') ? IPV6.test(value) : HOST.test(value);
}
