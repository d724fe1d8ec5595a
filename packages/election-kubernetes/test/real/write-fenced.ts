import { isRecord, type KubernetesClient, statusOf } from '@quorate/engine-kubernetes';

const CONFIG_MAPS = { version: 'v1', plural: 'configmaps' };
const TOKEN = 'example.com/fencing-token';

/** Writes into a config map what the leader with this token has to write; false when a later one has written already. */
export async function writeFenced(
  client: Pick<KubernetesClient, 'get' | 'update'>,
  name: string,
  token: bigint,
  data: Readonly<Record<string, string>>,
): Promise<boolean> {
  for (;;) {
    const map = await client.get(CONFIG_MAPS, 'default', name);
    const { annotations } = map.metadata;
    const known = isRecord(annotations) ? annotations : {};
    const seen = known[TOKEN];
    if (typeof seen === 'string' && BigInt(seen) > token) return false;
    const metadata = { ...map.metadata, annotations: { ...known, [TOKEN]: String(token) } };
    try {
      // With the resource version of what was read: refused if anybody has written since, however late this arrives.
      await client.update(CONFIG_MAPS, 'default', { ...map, metadata, data });
      return true;
    } catch (error) {
      if (statusOf(error)?.code !== 409) throw error;
    }
  }
}
