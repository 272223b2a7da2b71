import * as v from 'valibot';
import { type Document, isCollection, isNode, LineCounter, parseDocument } from 'yaml';
import { type Policy, PolicyError, policySchema } from './policy.ts';

/** A policy is read by people; one that is larger is something else. */
const MAX_LENGTH = 1_048_576;

/**
 * Reads a policy out of YAML, or out of JSON, which is YAML as well. YAML has to end in a line `...`, its mark for the end of a
 * document: the first lines of a file that is still being written, or was truncated, may be a policy of their own, and a wider one.
 *
 * @param file Named in errors.
 * @throws PolicyError POLICY_INVALID, with line, column and what was expected of the first thing that is wrong.
 */
export function parsePolicy(text: string, file: string): Policy {
  if (text.length > MAX_LENGTH) throw invalid(file, `it is longer than ${MAX_LENGTH} characters`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw invalid(file, fault.message, lines.linePos(fault.pos[0]));
  const parsed = v.safeParse(policySchema, toValue(document, file));
  if (parsed.success) {
    if (isWhole(document)) return parsed.output;
    throw invalid(
      file,
      'it does not end in a line of three dots (...), so it may have been cut off here',
      lines.linePos(text.length),
    );
  }
  const [issue] = parsed.issues;
  const path = (issue.path ?? []).map(({ key }) => key);
  const where = path.length === 0 ? '' : `${path.map(String).join('.')}: `;
  throw invalid(file, `${where}${expectationOf(issue)}`, placeOf(document, path, lines));
}

/** Braces, as JSON has them, are an end as well. */
function isWhole({ contents, directives }: Document): boolean {
  return directives?.docEnd === true || (isCollection(contents) && contents.flow === true);
}

/** Aliases that would make a small file huge are refused by the parser. */
function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw invalid(file, error instanceof Error ? error.message : 'it cannot be read');
  }
}

function expectationOf({ type, expected, message }: v.BaseIssue<unknown>): string {
  if (type === 'regex' || type === 'min_length') return message;
  if (type !== 'strict_object') return `expected ${expected ?? 'something else'}`;
  if (expected === 'Object') return 'expected an object';
  return expected === 'never' ? 'this key is not known' : 'is missing';
}

/** Where the value at a path begins, or the nearest thing around it that is there. */
function placeOf(document: Document, path: readonly unknown[], lines: LineCounter): Place {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]);
  }
  return lines.linePos(document.contents?.range?.[0] ?? 0);
}

interface Place {
  readonly line: number;
  readonly col: number;
}

function invalid(file: string, problem: string, place?: Place): PolicyError {
  const where = place === undefined ? file : `${file}, line ${place.line}, column ${place.col}`;
  return new PolicyError('POLICY_INVALID', `The policy cannot be used: ${where}: ${problem}.`);
}
