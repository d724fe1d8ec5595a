const KEPT = /^[a-y0-9]$/u;

/**
 * Part of an object's name for any text, another for each: letters but `z`, digits and inner hyphens are themselves, and
 * of all else the bytes in hexadecimal after a `z`, so that `a/b` is `az2fb`.
 */
export function objectNamePart(text: string): string {
  const characters = Array.from(text);
  const parts = characters.map((character, at) => {
    const isInner = character === '-' && at > 0 && at < characters.length - 1;
    return isInner || KEPT.test(character) ? character : escapeBytes(character);
  });
  return parts.join('');
}

function escapeBytes(character: string): string {
  const bytes = Array.from(new TextEncoder().encode(character));
  return bytes.map((byte) => `z${byte.toString(16).padStart(2, '0')}`).join('');
}
