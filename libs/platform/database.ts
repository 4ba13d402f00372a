import type { Configuration } from './configuration.js';
import { migrate, type Log } from './data-source.js';
import { openEmbeddedServer, type OpenMode } from './embedded-postgres.js';

/** The database that the configuration names, migrated and ready. */
export type OpenDatabase = {
  readonly appUrl: string;
  readonly ownerUrl: string;
  readonly isEmbedded: boolean;
  /** Whether this process runs `start` on the data folder; true for every server of others. */
  readonly isOwner: boolean;
  /** The process that runs `start` on this folder; null when none, or when it cannot be known. */
  ownerPid(): Promise<number | null>;
  close(): Promise<void>;
};

/** Errors: those of openEmbeddedServer and of migrate. */
export async function openDatabase(
  { database, dataDir }: Pick<Configuration, 'database' | 'dataDir'>,
  mode: OpenMode,
  log?: Log,
): Promise<OpenDatabase> {
  if (database.kind === 'server') {
    const { appUrl, ownerUrl } = database;
    await migrate(ownerUrl, appUrl);
    const ownerPid = (): Promise<null> => Promise.resolve(null);
    const close = (): Promise<void> => Promise.resolve();
    return { appUrl, ownerUrl, isEmbedded: false, isOwner: true, ownerPid, close };
  }
  const server = await openEmbeddedServer({ dataDir, mode, log });
  try {
    await migrate(server.ownerUrl, server.appUrl);
  } catch (error) {
    await server.close();
    throw error;
  }
  const { appUrl, ownerUrl, isOwner, ownerPid, close } = server;
  return { appUrl, ownerUrl, isEmbedded: true, isOwner, ownerPid, close };
}
