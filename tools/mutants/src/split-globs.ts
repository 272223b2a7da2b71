/** Splits a list of globs at its commas, those inside braces excepted; undefined where none are given. */
export function splitGlobs(list: string | undefined): readonly string[] | undefined {
  return list?.split(/,(?![^{]*\})/);
}
