import {
  BaseClusterDiscovery,
  checkOptions,
  type ClusterContext,
  ClusterError,
  type DiscoveredNode,
  type Disk,
  type IClusterDiscovery,
  invalidOption,
  type Plugin,
  type PollingOptions,
  pollingRules,
  rule,
} from '@quorate/core';

export interface FileDiscoveryOptions extends PollingOptions {
  /** An absolute path. The file holds a JSON list of `{ host, port, id? }`; whoever changes it renames a new one over it. */
  readonly path: string;
}

/** Finds the nodes that a file names, and notices when it changes. */
export function fileDiscovery(options: FileDiscoveryOptions): Plugin<IClusterDiscovery, 'discovery'> {
  const { path, ...polling } = checkOptions<FileDiscoveryOptions>('fileDiscovery', rules, options);
  if (path === undefined) throw invalidOption('fileDiscovery', 'path', rules.path.expected, path);
  return {
    name: 'discovery-file',
    kind: 'discovery',
    requires: [],
    create: (context) => new FileDiscovery(context, path, polling),
  };
}

const rules = { ...pollingRules, path: rule.text('an absolute path', (path) => path.startsWith('/')) };
const MAX_FILE_BYTES = 1_048_576;

class FileDiscovery extends BaseClusterDiscovery {
  readonly #disk: Disk;
  readonly #path: string;

  constructor(context: ClusterContext, path: string, polling: PollingOptions) {
    super(context, `discovery-file ${path}`, polling);
    this.#disk = context.disk;
    this.#path = path;
  }

  protected override async lookup(): Promise<readonly DiscoveredNode[]> {
    const answer: unknown = JSON.parse(await readText(this.#disk, this.#path));
    if (!Array.isArray(answer)) throw new ClusterError('CORRUPT', `${this.#path}: expected a JSON list of nodes`);
    // Entries that are no nodes are left out by the base class, with a warning each.
    return answer as readonly DiscoveredNode[];
  }
}

async function readText(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, { readOnly: true });
  try {
    const size = await file.size();
    if (size > MAX_FILE_BYTES)
      throw new ClusterError('OVERLOADED', `${path} has ${size} bytes, over ${MAX_FILE_BYTES}`);
    const bytes = new Uint8Array(size);
    return new TextDecoder().decode(bytes.subarray(0, await file.read(bytes, 0)));
  } finally {
    await file.close();
  }
}
