// Runs examples one after the other, in one process since they load the same, and tells of each what was wrong with it:
// nothing where it came to its end and has closed what it opened, as it must for a process of its own to end.
// Arguments: milliseconds that each may take, and the files.
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';

/** What one example came to. */
export interface ExampleOutcome {
  readonly file: string;
  readonly problem: string | undefined;
}

const LOOK_EVERY_MS = 5;
const [patience, ...files] = process.argv.slice(2);
/** Whatever is thrown where nobody catches it is of the example that runs. */
let thrown: unknown = undefined;
process.on('uncaughtException', (error) => (thrown = error));
// Opened with their first use, which is not to be taken for an example's doing.
for (const output of [process.stdout, process.stderr]) output.write('');

for (const file of files) {
  const outcome: ExampleOutcome = { file, problem: await problemOf(file) };
  process.send?.(outcome);
}

async function problemOf(file: string): Promise<string | undefined> {
  const before = process.getActiveResourcesInfo();
  const began = performance.now();
  let isDone = false;
  thrown = undefined;
  import(pathToFileURL(file).href).then(
    () => (isDone = true),
    (error: unknown) => (thrown = error),
  );
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    if (thrown !== undefined) return inspect(thrown);
    const open = withoutEach(process.getActiveResourcesInfo(), before);
    if (isDone && open.length === 0) return undefined;
    if (performance.now() - began > Number(patience)) return `it has not come to its end; open are ${open.join(', ')}`;
  }
}

/** Kind by kind: what came before an example, and goes meanwhile, makes up for nothing of another kind. */
function withoutEach(kinds: readonly string[], known: readonly string[]): readonly string[] {
  const left = [...known];
  return kinds.filter((kind) => {
    const at = left.indexOf(kind);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
