import { TranscriptError } from './data-driven.ts';

const LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'NONE'] as const;
export type Level = (typeof LEVELS)[number];

export function parseLevel(text: string): Level {
  const level = LEVELS.find((candidate) => candidate === text.toUpperCase());
  if (!level) throw new TranscriptError(`unknown log level "${text}"`);
  return level;
}

/** What a step prints. At level `NONE` that is nothing; the other levels concern log lines, of which there are none. */
export class Output {
  level: Level = 'DEBUG';
  #text = '';

  get text(): string {
    return this.#text;
  }

  get quiet(): boolean {
    return this.level === 'NONE';
  }

  write(text: string): void {
    if (!this.quiet) this.#text += text;
  }

  writeLine(text: string): void {
    this.write(`${text}\n`);
  }

  clear(): void {
    this.#text = '';
  }

  /** Sets off by two spaces all that is written meanwhile, and ends its last line. */
  indented(write: () => void): void {
    const before = this.#text;
    this.#text = '';
    try {
      write();
    } finally {
      const lines = this.#text.replace(/\n$/, '').split('\n');
      const isEmpty = this.#text === '';
      this.#text = before + (isEmpty ? '' : lines.map((line) => `  ${line}\n`).join(''));
    }
  }
}
