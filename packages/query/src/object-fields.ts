import type { FieldLookup } from './match-query.ts';

/** Most parts between dots in a field's name, and most objects and lists inside one another on the way to a value. */
export const MAX_OBJECT_DEPTH = 32;
/** Most elements of lists that one lookup visits. */
export const MAX_OBJECT_ELEMENTS = 1000;

/**
 * Makes the fields of plain data (what JSON can hold) available to a query.
 *
 * `a.b.c` walks nested objects by their own properties. At each object the longest key that the rest of the name
 * begins with is taken, up to a dot or the end, and no other is tried: `{"a.b": 1, a: {b: 2}}` has 1 as `a.b`. A
 * list on the way or at the end stands for each of its elements; positions in lists have no names.
 *
 * Text is taken as it is, a finite number in its shortest JSON form, a boolean as `true` or `false`. Anything else
 * (null, an object, an empty list) is not there. Past `MAX_OBJECT_DEPTH` nothing is there; of lists the first
 * `MAX_OBJECT_ELEMENTS` elements count, those of lists inside included, and the others are not there.
 */
export function objectFields(value: unknown): FieldLookup {
  return (field) => {
    const parts = field.split('.');
    if (parts.length > MAX_OBJECT_DEPTH) return undefined;
    const found: string[] = [];
    new Walk(parts, found).visit(value, 0, 0);
    return found.length > 1 ? found : found[0];
  };
}

class Walk {
  readonly #parts: readonly string[];
  readonly #found: string[];
  #elements = 0;

  constructor(parts: readonly string[], found: string[]) {
    this.#parts = parts;
    this.#found = found;
  }

  visit(value: unknown, part: number, depth: number): void {
    if (typeof value !== 'object' || value === null) {
      const text = part === this.#parts.length ? textOf(value) : undefined;
      if (text !== undefined) this.#found.push(text);
    } else if (depth < MAX_OBJECT_DEPTH) {
      if (Array.isArray(value)) this.#visitElements(value, part, depth + 1);
      else this.#visitProperty(value, part, depth + 1);
    }
  }

  #visitElements(elements: readonly unknown[], part: number, depth: number): void {
    for (const element of elements) {
      if (this.#elements >= MAX_OBJECT_ELEMENTS) return;
      this.#elements++;
      this.visit(element, part, depth);
    }
  }

  #visitProperty(object: object, part: number, depth: number): void {
    for (let end = this.#parts.length; end > part; end--) {
      const property = Object.getOwnPropertyDescriptor(object, this.#parts.slice(part, end).join('.'));
      if (property !== undefined) {
        this.visit(property.value, end, depth);
        return;
      }
    }
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  // String and JSON write finite numbers alike, and both write -0 as 0.
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}
