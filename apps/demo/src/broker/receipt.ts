const RECEIPT = /^([1-9][0-9]{0,15})\.([1-9][0-9]{0,6})$/;

/** What a delivery is called: no two have the same. */
export function receiptOf(sequence: number, attempt: number): string {
  return `${sequence}.${attempt}`;
}

/** Undefined for what is none. */
export function parseReceipt(text: string): { readonly sequence: number; readonly attempt: number } | undefined {
  const match = RECEIPT.exec(text);
  return match === null ? undefined : { sequence: Number(match[1]), attempt: Number(match[2]) };
}
