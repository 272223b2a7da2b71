import type { FieldLookup } from './match-query.ts';
import { countTextSteps, type StepMeter } from './step-meter.ts';

/** The maximum number of dot-separated parts in a field name, and of nested objects and lists on the path to a value. */
export const MAX_OBJECT_DEPTH = 32;
/** The maximum number of list elements that one lookup visits. */
export const MAX_OBJECT_ELEMENTS = 1000;

/**
 * Creates a lookup that lets a query read the fields of plain data: anything JSON can represent, also with Maps or
 * objects without a prototype in place of objects. Keys are data: a key such as `__proto__` or `constructor` is found if
 * and only if the data itself has it, and no getter runs.
 *
 * `a.b.c` follows own properties through nested objects. At each object, the longest key that matches the rest of the
 * name up to a dot or the end is used, and no shorter key is tried: in `{"a.b": 1, a: {b: 2}}`, the value of `a.b` is
 * 1. A list stands for all of its elements; elements cannot be addressed by index.
 *
 * A string is used as it is, a finite number in its shortest JSON form, a boolean as `true` or `false`. Anything else
 * (null, an object, an empty list) is missing, and so is everything nested deeper than `MAX_OBJECT_DEPTH`. One lookup
 * visits the first `MAX_OBJECT_ELEMENTS` list elements, including those of nested lists, and ignores the rest.
 */
export function createFieldLookup(value: unknown): FieldLookup {
  return (field, meter) => {
    meter?.take(countTextSteps(field.length));
    const parts = field.split('.');
    if (parts.length > MAX_OBJECT_DEPTH) return undefined;
    const found: string[] = [];
    new Walk(parts, found, meter).visit(value, 0, 0);
    return found.length > 1 ? found : found[0];
  };
}

class Walk {
  readonly #parts: readonly string[];
  readonly #found: string[];
  readonly #meter: StepMeter | undefined;
  /** The keys to try after a number of parts, the longest first. */
  readonly #keys: (readonly string[])[] = [];
  #elements = 0;

  constructor(parts: readonly string[], found: string[], meter: StepMeter | undefined) {
    this.#parts = parts;
    this.#found = found;
    this.#meter = meter;
  }

  visit(value: unknown, part: number, depth: number): void {
    this.#meter?.take(1);
    if (typeof value !== 'object' || value === null) {
      const text = part === this.#parts.length ? formatScalar(value) : undefined;
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
    const keys = (this.#keys[part] ??= this.#listKeys(part));
    for (const [index, key] of keys.entries()) {
      this.#meter?.take(1);
      const property = findProperty(object, key);
      if (property !== undefined) {
        this.visit(property.value, this.#parts.length - index, depth);
        return;
      }
    }
  }

  #listKeys(part: number): readonly string[] {
    const rest = this.#parts.slice(part);
    return rest.map((_, index) => {
      const key = rest.slice(0, rest.length - index).join('.');
      this.#meter?.take(countTextSteps(key.length));
      return key;
    });
  }
}

function findProperty(object: object, key: string): { readonly value?: unknown } | undefined {
  if (object instanceof Map) return object.has(key) ? { value: object.get(key) } : undefined;
  return Object.getOwnPropertyDescriptor(object, key);
}

function formatScalar(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  // String and JSON format finite numbers identically, and both format -0 as 0.
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}
