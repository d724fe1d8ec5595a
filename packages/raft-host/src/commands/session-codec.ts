import type { ByteReader, ByteWriter } from '@quorate/core';
import { MAX_SESSION_TTL_MS } from './command-batch.ts';
import { readFloat } from './float.ts';
import { type Admitted, MAX_REMEMBERED_BYTES, type Remembered, type Session } from './session.ts';
import { MAX_SESSIONS, MAX_UNSETTLED, SessionTable } from './session-table.ts';

const code = { result: 0, skipped: 1, tooLarge: 2 } as const;

/** What the table holds, for a snapshot. To be asked between entries, when the fate of every command is known. */
export function writeSessions(writer: ByteWriter, table: SessionTable): void {
  const sessions = table.sessions();
  writer.number(table.nextId).number(sessions.length);
  for (const session of sessions) writeSession(writer, session);
}

/** @throws the reader's error for what `writeSessions` never wrote */
export function readSessions(reader: ByteReader): SessionTable {
  const nextId = reader.positive();
  const count = reader.number(MAX_SESSIONS);
  const sessions: Session[] = [];
  let last = 0;
  while (sessions.length < count) {
    const session = readSession(reader);
    if (session.id <= last || session.id >= nextId) throw reader.unsound(`session ${session.id} is out of order`);
    last = session.id;
    sessions.push(session);
  }
  return new SessionTable(nextId, sessions);
}

function writeSession(writer: ByteWriter, { id, ttlMs, lastSeen, settled, admitted }: Session): void {
  writer.number(id).number(ttlMs).float64(lastSeen).number(settled).number(admitted.size);
  for (const { sequence, remembered } of admitted.values()) {
    writer.number(sequence);
    writeRemembered(writer, remembered);
  }
}

function readSession(reader: ByteReader): Session {
  const id = reader.positive();
  const ttlMs = reader.positive();
  const lastSeen = readFloat(reader);
  const settled = reader.number();
  const count = reader.number();
  if (ttlMs > MAX_SESSION_TTL_MS || count > MAX_UNSETTLED) throw reader.unsound(`session ${id} is beyond all bounds`);
  const admitted = new Map<number, Admitted>();
  const session: Session = { id, ttlMs, lastSeen, settled, admitted, isOpen: true };
  while (admitted.size < count) {
    const sequence = reader.number();
    if (sequence < settled || admitted.has(sequence)) throw reader.unsound(`command ${sequence} is out of order`);
    admitted.set(sequence, { session, sequence, remembered: readRemembered(reader) });
  }
  return session;
}

function writeRemembered(writer: ByteWriter, remembered: Remembered | undefined): void {
  if (remembered === 'skipped') writer.u8(code.skipped);
  else if (remembered === 'too-large' || remembered === undefined) writer.u8(code.tooLarge);
  else writer.u8(code.result).sized(remembered);
}

function readRemembered(reader: ByteReader): Remembered {
  switch (reader.u8()) {
    case code.skipped:
      return 'skipped';
    case code.tooLarge:
      return 'too-large';
    case code.result:
      return reader.sized('number', MAX_REMEMBERED_BYTES);
    default:
      throw reader.unsound('a remembered result of an unknown kind');
  }
}
