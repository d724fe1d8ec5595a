/** Takes the lock at the path given, says so, and holds it until it is killed. */
import { nodeSystem } from '../../src/node/index.ts';

const path = process.argv[2] ?? '';
try {
  await nodeSystem().disk.lock(path);
  process.stdout.write('locked\n');
  process.stdin.resume();
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code}\n`);
}
