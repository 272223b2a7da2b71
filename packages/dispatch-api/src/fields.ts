import * as v from 'valibot';

/** An id in paths and lists: `[a-z0-9]{1,64}`, because ids become parts of workflow ids. */
export const idSchema = v.pipe(v.string(), v.regex(/^[a-z0-9]{1,64}$/, 'Expected an id.'));

/** Path parameters of an operation on one entity. */
export const idParams = v.object({ id: idSchema });

/** Text that PostgreSQL takes: JSON can carry NUL and half of a surrogate pair, which it does not. */
export const storableText = v.pipe(
  v.string(),
  v.check((text) => !/\0|\p{Surrogate}/u.test(text), 'Expected well-formed Unicode without NUL.'),
);

/** A name that people gave. */
export const nameInput = v.pipe(storableText, v.trim(), v.minLength(1), v.maxLength(200));
