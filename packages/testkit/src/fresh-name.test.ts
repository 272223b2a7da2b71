import { expect, test } from '@jest/globals';
import { freshName } from './fresh-name.ts';

test.each(['suite', 'A Suite: of things', 'x'.repeat(100), '', '日本', "'; drop"])(
  'a name for %j is fit for a database and no other suite has it',
  (label) => {
    const names = Array.from({ length: 100 }, () => freshName(label));
    for (const name of names) expect(name).toMatch(/^t_[a-z0-9_]{0,24}_[0-9a-f]{10}$/);
    expect(new Set(names).size).toBe(100);
  },
);
