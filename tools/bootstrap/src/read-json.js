import { readFileSync } from 'node:fs';

/**
 * Reads a JSON file; an empty object where it is missing or not JSON.
 * @param {string} path
 * @returns {any}
 */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
