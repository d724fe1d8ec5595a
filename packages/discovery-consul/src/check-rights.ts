import { ClusterError, isClusterError } from '@quorate/core';
import type { ConsulClient } from '@quorate/engine-consul';

/** What reading the instances of a service takes. */
const NEEDED = [
  { what: 'service:read', Resource: 'service', Access: 'read' },
  { what: 'node:read', Resource: 'node', Access: 'read' },
] as const;

/**
 * Tells an answer that is empty for want of rights from one that is empty: Consul gives the same to both. It says so itself
 * from version 1.11 on; before that it is asked. A server that doesn't answer that is believed.
 * @throws ClusterError `REFUSED`
 */
export async function checkRights(
  client: ConsulClient,
  { service, timeoutMs }: { readonly service: string; readonly timeoutMs: number },
  filtered: boolean,
  signal: AbortSignal,
): Promise<void> {
  const denied = filtered ? NEEDED.map(({ what }) => what) : await deniedRights(client, service, timeoutMs, signal);
  if (denied.length === 0) return;
  const what = denied.join(' and ');
  throw new ClusterError(
    'REFUSED',
    `consul ${client.address}: the token may see no instance of ${service}: it lacks ${what}`,
  );
}

async function deniedRights(
  client: ConsulClient,
  service: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const questions = NEEDED.map(({ Resource, Access }) => ({
    Resource,
    Access,
    Segment: Resource === 'service' ? service : '',
  }));
  try {
    const { body } = await client.ask(['internal', 'acl', 'authorize'], questions, { signal, timeoutMs });
    if (!Array.isArray(body)) return [];
    const isDenied = (at: number) => (body[at] as { readonly Allow?: unknown } | null | undefined)?.Allow === false;
    return NEEDED.flatMap(({ what }, at) => (isDenied(at) ? [what] : []));
  } catch (error) {
    if (['REFUSED', 'NOT_FOUND', 'REMOTE', 'PROTOCOL'].some((code) => isClusterError(error) && error.code === code))
      return [];
    throw error;
  }
}
