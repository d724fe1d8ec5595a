import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FETCHED = path.join(root, '.servers');

/**
 * The program `etcd`: of the folder that `QUORATE_ETCD` or `KUBEBUILDER_ASSETS` names, of the PATH, or fetched by
 * `tools/get-servers.sh`. Undefined where none of that works, said on stderr.
 */
export function findEtcd(): string | undefined {
  const { QUORATE_ETCD: ours, KUBEBUILDER_ASSETS: theirs, PATH: known = '' } = process.env;
  for (const folder of [ours, theirs, ...known.split(path.delimiter), FETCHED]) {
    if (folder !== undefined && folder !== '' && isProgram(path.join(folder, 'etcd'))) return path.join(folder, 'etcd');
  }
  spawnSync(path.join(root, 'tools', 'get-servers.sh'), [FETCHED], { stdio: ['ignore', 2, 2] });
  const fetched = path.join(FETCHED, 'etcd');
  return isProgram(fetched) ? fetched : undefined;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
