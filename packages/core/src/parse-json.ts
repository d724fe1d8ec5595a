const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{` are these with the bit of lower case set, and so are `]` and `}`. */
const LOWER_CASE = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/**
 * JSON of a server or peer. What is nested without end takes the parser fifty times its size, and seconds in which nothing
 * else goes on; whoever writes or walks it with recursion fails.
 * @throws SyntaxError also for what is nested deeper than `maxDepth`
 */
export function parseJson(text: string, maxDepth = 500): unknown {
  if (isDeeper(text, maxDepth)) throw new SyntaxError(`JSON nested deeper than ${maxDepth}`);
  return JSON.parse(text);
}

function isDeeper(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if ((code | LOWER_CASE) === OPENING) depth += 1;
    else if ((code | LOWER_CASE) === CLOSING) depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}

/** Where the quote is that closes the one at this place; the end of a text that has none. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
