/**
 * @typedef {import('@clickhouse/client').ClickHouseClient} Client
 *
 * What a case works with.
 * @typedef {object} CaseContext
 * @property {Client} client of the run's own database
 * @property {(options?: import('@clickhouse/client').ClickHouseClientConfigOptions) => Client} connect one more
 *   client; it is closed after the case
 * @property {string} url with credentials
 * @property {string} database
 * @property {(columns: string, options?: string) => Promise<string>} table makes an empty MergeTree table
 * @property {(sql: string) => Promise<readonly (readonly unknown[])[]>} rows
 * @property {boolean} isFront false against a real server
 *
 * One request and what must come back.
 * @typedef {object} QueryCase
 * @property {string} name
 * @property {string} query
 * @property {import('@clickhouse/client').DataFormat} [format] default JSONCompactEachRow
 * @property {Record<string, unknown>} [params]
 * @property {import('@clickhouse/client').ClickHouseSettings} [settings]
 * @property {unknown} [json] the parsed answer
 * @property {string} [text] the answer as it is
 *
 * One request that must be refused.
 * @typedef {object} ErrorCase
 * @property {string} name
 * @property {string} query
 * @property {string} code
 * @property {string} [type]
 * @property {Record<string, unknown>} [params]
 * @property {import('@clickhouse/client').ClickHouseSettings} [settings]
 *
 * Several requests; `run` throws when something is wrong.
 * @typedef {object} ActionCase
 * @property {string} name
 * @property {(context: CaseContext) => Promise<void>} run
 *
 * @typedef {(QueryCase | ErrorCase | ActionCase) & { frontOnly?: string }} FrontCase `frontOnly` says why a real
 *   server is not asked
 */

// This file has types only.
export default undefined;
