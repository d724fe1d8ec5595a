// Numbers of 64 bits are taken apart and put together here: no DataView for each. Nothing is held between two calls.
export const FLOAT: Float64Array<ArrayBuffer> = new Float64Array(1);
/** The same 64 bits as an integer. */
export const INTEGER: BigUint64Array<ArrayBuffer> = new BigUint64Array(FLOAT.buffer);
/** The same as two of 32; which is the higher one differs between processors. */
export const HALVES: Uint32Array<ArrayBuffer> = new Uint32Array(FLOAT.buffer);
export const HIGH: number = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;
export const LOW: number = 1 - HIGH;
