import { styleText } from 'node:util';
import { plainText } from '@quorate/core';

/** Where a command writes to, and in which form. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Undefined: tables on a terminal, JSON elsewhere. */
  readonly json?: boolean;
}

export interface Column<T> {
  readonly name: string;
  readonly of: (row: T) => string | number | undefined;
  /** Of the row, where it is to stand out. */
  readonly style?: (row: T) => Style | undefined;
}

export type Style = 'red' | 'yellow' | 'green' | 'bold' | 'dim';

const MAX_CELL_LENGTH = 300;

/** Writes what commands have found out. */
export class Output {
  readonly isJson: boolean;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.isJson = terminal.json ?? terminal.stdout.isTTY !== true;
  }

  /** The result: as JSON in one line, or what `human` writes. */
  result(value: unknown, human: () => void): void {
    if (this.isJson) this.line(JSON.stringify(value));
    else human();
  }

  line(text: string): void {
    this.#terminal.stdout.write(`${text}\n`);
  }

  /** What is under way; not part of the result. */
  note(text: string): void {
    this.#terminal.stderr.write(`${text}\n`);
  }

  table<T>(columns: readonly Column<T>[], rows: readonly T[]): void {
    const cells = rows.map((row) => columns.map(({ of }) => cell(of(row))));
    const widths = columns.map(({ name }, at) => Math.max(name.length, ...cells.map((each) => each[at]?.length ?? 0)));
    const padded = (texts: readonly string[]) =>
      texts.map((text, at) => (at === texts.length - 1 ? text : text.padEnd(widths[at] ?? 0)));
    this.line(this.styled('bold', padded(columns.map(({ name }) => name.toUpperCase())).join('  ')));
    for (const [number, row] of rows.entries()) {
      const texts = padded(cells[number] ?? []);
      const shown = texts.map((text, at) => this.styled(columns[at]?.style?.(row), text));
      this.line(shown.join('  ').trimEnd());
    }
  }

  /** Names and what they are, one a line. */
  facts(facts: readonly (readonly [name: string, value: string | number | undefined])[]): void {
    const known = facts.filter(([, value]) => value !== undefined);
    const width = Math.max(...known.map(([name]) => name.length));
    for (const [name, value] of known) this.line(`${this.styled('bold', name.padEnd(width))}  ${cell(value)}`);
  }

  styled(style: Style | undefined, text: string): string {
    if (style === undefined || this.#terminal.stdout.isTTY !== true || process.env['NO_COLOR']) return text;
    return styleText(style, text, { validateStream: false });
  }
}

/** What nodes and files say is shown, and never moves the cursor. */
function cell(value: string | number | undefined): string {
  if (value === undefined || value === '') return '-';
  return plainText(String(value), MAX_CELL_LENGTH);
}

/** A time span for people: `350 ms`, `12 s`, `5 min`, `3 h`, `2 d`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Bytes for people. */
export function size(bytes: number): string {
  if (bytes < 10_240) return `${bytes} B`;
  if (bytes < 10 * 1024 * 1024) return `${Math.round(bytes / 1024)} KiB`;
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
