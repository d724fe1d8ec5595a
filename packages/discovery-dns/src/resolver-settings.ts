import { type Address, type Disk, isClusterError } from '@quorate/core';

import { isDnsName, type SearchRules } from './dns-name.ts';
import { canonicalIp } from './ip-address.ts';

/** Whom to ask, and how names are completed. */
export interface ResolverSettings extends SearchRules {
  /** In the order in which to ask them. */
  readonly resolvers: readonly Address[];
}

export const DNS_PORT = 53;
export const MAX_RESOLVERS = 16;
export const MAX_SEARCH = 32;
/** The system's own limit. */
export const MAX_NDOTS = 15;
const SETTINGS_FILE = '/etc/resolv.conf';
const MAX_FILE_BYTES = 64 * 1024;

/**
 * What the system asks. Read again for each lookup: it changes when the machine changes networks.
 * @throws ClusterError `IO`
 */
export async function systemSettings(disk: Disk): Promise<ResolverSettings> {
  try {
    const file = await disk.open(SETTINGS_FILE, { readOnly: true });
    try {
      const bytes = new Uint8Array(MAX_FILE_BYTES);
      return parseSettings(new TextDecoder().decode(bytes.subarray(0, await file.read(bytes, 0))));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isClusterError(error, 'NOT_FOUND')) return parseSettings('');
    throw error;
  }
}

/** Reads the text of a resolv.conf(5). What it doesn't say is as there: this machine is asked, and `ndots` is 1. */
export function parseSettings(text: string): ResolverSettings {
  const resolvers: Address[] = [];
  let search: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split(/\r?\n/u)) {
    const [keyword, ...values] = line.trim().split(/\s+/u);
    if (keyword === 'nameserver') resolvers.push(...values.slice(0, 1).flatMap(readResolver));
    // The last of them counts.
    if (keyword === 'search') search = values;
    if (keyword === 'domain') search = values.slice(0, 1);
    if (keyword === 'options') ndots = readNdots(values) ?? ndots;
  }
  if (resolvers.length === 0) resolvers.push({ host: '127.0.0.1', port: DNS_PORT });
  const endings = search.filter((ending) => isDnsName(ending)).slice(0, MAX_SEARCH);
  return { resolvers: resolvers.slice(0, MAX_RESOLVERS), search: endings, ndots };
}

function readResolver(text: string): readonly Address[] {
  const host = canonicalIp(text);
  return host === undefined ? [] : [{ host, port: DNS_PORT }];
}

function readNdots(options: readonly string[]): number | undefined {
  const given = options.flatMap((option) => /^ndots:(?<ndots>\d{1,9})$/u.exec(option)?.groups?.['ndots'] ?? []).at(-1);
  return given === undefined ? undefined : Math.min(Number(given), MAX_NDOTS);
}
