import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FETCHED = path.join(root, '.servers');
/** Where root's programs are, which are on nobody else's path. */
const SYSTEM = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * A server's program: from the folder that `QUORATE_SERVERS` or `KUBEBUILDER_ASSETS` names, from the PATH, or fetched by
 * `tools/get-servers.sh`. Undefined where none of that works; the script has said why on stderr.
 */
export function findProgram(name: string): string | undefined {
  const here = findFetched(name);
  if (here !== undefined) return here;
  spawnSync(path.join(root, 'tools', 'get-servers.sh'), [FETCHED, name], { stdio: ['ignore', 2, 2] });
  const fetched = path.join(FETCHED, name);
  return isProgram(fetched) ? fetched : undefined;
}

/** The same, where nothing is to be fetched that isn't there. */
export function findFetched(name: string): string | undefined {
  const { QUORATE_SERVERS: ours, KUBEBUILDER_ASSETS: theirs, PATH: known = '' } = process.env;
  const folders = [ours, theirs, ...known.split(path.delimiter), ...SYSTEM, FETCHED];
  for (const folder of folders) {
    if (folder !== undefined && folder !== '' && isProgram(path.join(folder, name))) return path.join(folder, name);
  }
  return undefined;
}

/**
 * Says in one line that tests beside a server are left out, or throws where its absence is an error: for those that
 * `QUORATE_REQUIRE_SERVERS` names, separated by commas.
 */
export function reportAbsent(server: string): void {
  const message = `${server} is not to be had here: what is tested against it is skipped`;
  if (process.env['QUORATE_REQUIRE_SERVERS']?.split(',').includes(server) === true) throw new Error(message);
  console.warn(message);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
