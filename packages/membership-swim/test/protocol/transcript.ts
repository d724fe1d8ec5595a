import type { Swim } from '../../src/protocol/swim.ts';
import { type Command, Story } from './story.ts';

const RULE = '----';

/** The transcript as it comes out now: comments and commands stay, answers are those of the machine. */
export function transcript(text: string, machine?: typeof Swim): string {
  const story = new Story(machine);
  const blocks = text.trim().split(/\n{2,}/u);
  return `${blocks.map((block) => retell(block, story)).join('\n\n')}\n`;
}

/** Each command with its answer. */
export function answersOf(text: string): readonly string[] {
  return text
    .trim()
    .split(/\n{2,}/u)
    .filter((block) => !block.startsWith('#'));
}

function retell(block: string, story: Story): string {
  if (block.startsWith('#')) return block;
  const [head = ''] = block.split(`\n${RULE}`);
  const answers = head.split('\n').map((line) => story.tell(parse(line)));
  const said = answers.filter((answer) => answer !== 'ok');
  return `${head}\n${RULE}\n${said.length === 0 ? 'ok' : said.join('\n')}`;
}

function parse(line: string): Command {
  const [name = '', ...parts] = line.trim().split(/\s+/u);
  const words = parts.filter((part) => !part.includes('='));
  const named = Object.fromEntries(
    parts.filter((part) => part.includes('=')).map((part) => part.split('=', 2) as [string, string]),
  );
  return { name, words, named };
}
