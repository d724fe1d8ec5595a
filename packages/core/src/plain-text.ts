/** What could end a line, move a terminal's cursor or turn the text around. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * A text of which others chose a part, fit for a log or the message of an error: one line, of what can be seen. What can't is
 * named by its code point, as in `\u{1b}`; what is longer than `maxLength` is cut off.
 */
export function plainText(text: string, maxLength: number): string {
  const short = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return short.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
