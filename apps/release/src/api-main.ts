import { writeFileSync } from 'node:fs';
import { apiFiles } from './api-files.ts';
import { build } from './workspace.ts';

await build();
const changed = apiFiles().filter(({ text, committed }) => text !== committed);
for (const { file, name, text } of changed) {
  writeFileSync(file, text);
  console.log(`written: ${name}`);
}
console.log(changed.length === 0 ? 'nothing has changed' : 'see with `git diff` what programs will notice');
