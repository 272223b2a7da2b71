import { inspect } from 'node:util';

const HIDDEN = '[secret]';

/**
 * A value that cannot be printed by accident: strings, JSON, template literals and `console.log` of it
 * show `[secret]`. Only `reveal()` returns the value, so every use can be found by searching for it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Returns the value itself. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
