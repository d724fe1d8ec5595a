import { type Argument, type Command, TranscriptError } from './data-driven.ts';

/** The bare words of a directive. */
export function words(command: Command): string[] {
  return command.args.filter((arg) => !arg.isOption).map((arg) => arg.key);
}

/** The bare words as numbers: ids of nodes, mostly. Throws unless there are as many as said. */
export function numbers(command: Command, count?: number): number[] {
  const found = words(command).map((word) => parseNumber(word));
  if (count !== undefined && found.length !== count) {
    throw new TranscriptError(`${command.name} takes ${count} numbers, got ${found.length}`);
  }
  return found;
}

/** Calls the reader of each option that is there, and throws where there is none for it. */
export function readOptions(command: Command, readers: Readonly<Record<string, (option: Argument) => void>>): void {
  for (const option of command.args) {
    if (!option.isOption) continue;
    const reader = Object.hasOwn(readers, option.key) ? readers[option.key] : undefined;
    if (!reader) throw new TranscriptError(`unknown option "${option.key}" of "${command.name}"`);
    reader(option);
  }
}

/** The values of `name=(a,b)`, all numbers. */
export function numberList(option: Argument): number[] {
  return option.values.map((value) => parseNumber(value));
}

/** The one value of an option. */
export function single(option: Argument): string {
  const [value, ...more] = option.values;
  if (value === undefined || more.length > 0) throw new TranscriptError(`expected one value of "${option.key}"`);
  return value;
}

export function singleNumber(option: Argument): number {
  return parseNumber(single(option));
}

export function singleBoolean(option: Argument): boolean {
  const value = single(option);
  if (/^(true|t|1)$/i.test(value)) return true;
  if (/^(false|f|0)$/i.test(value)) return false;
  throw new TranscriptError(`expected true or false as "${option.key}", got "${value}"`);
}

export function parseNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new TranscriptError(`expected a number, got "${text}"`);
  return value;
}
