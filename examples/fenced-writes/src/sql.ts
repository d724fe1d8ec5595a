import { DatabaseSync } from 'node:sqlite';
import { ClusterError } from '@quorate/core';
import type { FencedStore } from './fenced-store.ts';

/** The row keeps the token that it was written with. One statement looks at it and writes: nothing comes in between. */
const WRITE = `
  INSERT INTO accounts (id, value, token) VALUES (:id, :value, :token)
  ON CONFLICT (id) DO UPDATE SET value = :value, token = :token WHERE accounts.token <= :token`;

export function sqlStore(file: string): FencedStore {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec('CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, value TEXT, token INTEGER NOT NULL)');
  return {
    write: async (id, value, token) => {
      const { changes } = database.prepare(WRITE).run({ id, value, token });
      if (changes === 0) throw new ClusterError('STALE_TOKEN', `${id}: a later holder has written already`);
    },
    read: async (id) =>
      database.prepare('SELECT value FROM accounts WHERE id = ?').get(id)?.['value'] as string | undefined,
    close: async () => database.close(),
  };
}
