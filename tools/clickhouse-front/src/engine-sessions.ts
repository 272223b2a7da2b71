import { Session } from 'chdb';
import { frontErrors } from './front-error.ts';
import type { FrontRequest } from './front-request.ts';
import { quoteName, quoteText } from './statement.ts';

/** A session lent to one request. */
export interface Lease {
  readonly session: Session;
  release(): Promise<void>;
}

type Kept = { session: Session; isBusy: boolean; expiry: NodeJS.Timeout | undefined };

/** What every session starts with; a request may set other values. */
const INITIAL_SETTINGS = { implicit_select: '0', max_execution_time: '60' };

/**
 * Opens engine sessions on one data directory.
 *
 * A request without `session_id` gets a session of its own, so that nothing it sets can reach another request. A
 * named session is kept until its timeout and lent to one request at a time.
 */
export class EngineSessions {
  #directory;
  /** Keeps the data directory open between requests. */
  #anchor;
  #kept: Map<string, Kept> = new Map();

  constructor(directory: string) {
    this.#directory = directory;
    this.#anchor = new Session(directory);
  }

  /** Gives the engine's version. */
  version(): string {
    return this.#anchor.query('SELECT version()', 'TSV').trim();
  }

  /** Lends a session, prepared for a request. */
  async lend(
    request: Pick<FrontRequest, 'session' | 'database' | 'settings' | 'isReadOnly'>,
  ): Promise<Lease> {
    for (const name of Object.keys(request.settings)) {
      if (!/^[A-Za-z_]\w*$/.test(name)) throw frontErrors.unknownSetting(name);
    }
    return request.session === undefined
      ? this.#lendFresh(request)
      : this.#lendKept({ ...request, session: request.session });
  }

  close(): void {
    for (const { session, expiry } of this.#kept.values()) {
      clearTimeout(expiry);
      session.close();
    }
    this.#kept.clear();
    this.#anchor.close();
  }

  async #lendFresh({
    database,
    settings,
    isReadOnly,
  }: Pick<FrontRequest, 'database' | 'settings' | 'isReadOnly'>) {
    const session = new Session(this.#directory);
    try {
      await prepare(session, database, {
        ...INITIAL_SETTINGS,
        ...(isReadOnly ? { readonly: '2' } : {}),
        ...settings,
      });
    } catch (error) {
      session.close();
      throw error;
    }
    return { session, release: async () => session.close() };
  }

  async #lendKept({
    session: { id, timeoutMs, mustExist },
    database,
    settings,
  }: {
    session: NonNullable<FrontRequest['session']>;
    database: string | undefined;
    settings: Readonly<Record<string, string>>;
  }) {
    const known = this.#kept.get(id);
    if (known?.isBusy) throw frontErrors.sessionLocked(id);
    if (known === undefined && mustExist) throw frontErrors.sessionNotFound(id);
    const kept = known ?? { session: new Session(this.#directory), isBusy: true, expiry: undefined };
    kept.isBusy = true;
    clearTimeout(kept.expiry);
    this.#kept.set(id, kept);
    const { session } = kept;
    let restore = '';
    const release = async () => {
      if (restore !== '') await session.queryAsync(restore).catch(() => {});
      kept.isBusy = false;
      kept.expiry = setTimeout(() => {
        this.#kept.delete(id);
        session.close();
      }, timeoutMs).unref();
    };
    try {
      if (known === undefined) await prepare(session, undefined, INITIAL_SETTINGS);
      restore = await restoration(session, database, settings);
      await prepare(session, database, settings);
    } catch (error) {
      await release();
      throw error;
    }
    return { session, release };
  }
}

async function prepare(
  session: Session,
  database: string | undefined,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  // A parameter set this way takes the client's escaped text as it is; binding would escape it a second time.
  const assignments = Object.entries(settings).map(([name, value]) => `${name} = ${quoteText(value)}`);
  const statements = [];
  if (database !== undefined) statements.push(`USE ${quoteName(database)}`);
  if (assignments.length > 0) statements.push(`SET ${assignments.join(', ')}`);
  if (statements.length > 0) await session.queryAsync(statements.join('; '));
}

/**
 * Gives the statements that undo `prepare`: what a request brings in its URL holds for that request alone, also in
 * a named session.
 */
async function restoration(
  session: Session,
  database: string | undefined,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const statements = [];
  const names = Object.keys(settings).filter((name) => !name.startsWith('param_'));
  if (names.length > 0) {
    const list = names.map(quoteText).join(', ');
    const result = await session.queryAsync(
      `SELECT name, value, changed FROM system.settings WHERE name IN (${list})`,
      { format: 'JSONCompactEachRow' },
    );
    for (const line of result.text().split('\n')) {
      if (line === '') continue;
      const [name, value, changed]: [name: string, value: string, changed: number] = JSON.parse(line);
      statements.push(`SET ${name} = ${changed === 1 ? quoteText(value) : 'DEFAULT'}`);
    }
  }
  if (database !== undefined) {
    const result = await session.queryAsync('SELECT currentDatabase()', { format: 'TSVRaw' });
    statements.push(`USE ${quoteName(result.text().trim())}`);
  }
  return statements.join('; ');
}
