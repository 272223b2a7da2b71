/** A place in a tracked file that names a folder of somebody's machine. */
type MachinePath = { readonly line: number; readonly text: string };

interface AllowedPath {
  /** Which files. */
  readonly file: RegExp;
  /** The whole path as found. */
  readonly text: RegExp;
  readonly why: string;
}

/** Homes and work folders; `~/work/`, `docs/home/` and `example.org/home/` are none. */
const MACHINE_PATH =
  /(?<![\w.~)}\]*-])(?:\/(?:home|Users)\/[\w.-]+|\/(?:root|work)(?=\/)|[A-Z]:\\Users\\[\w.-]+)[^\s'"`),;:]*/g;

/**
 * Paths that are meant. Keep this short: a path that is the same on every machine belongs in a container file or a
 * document about one.
 */
const ALLOWED_PATHS: readonly AllowedPath[] = [
  {
    file: /(?:^|\/)Dockerfile$/,
    text: /^\/home\/node(?:\/|$)/,
    why: 'the home of the user in the official Node image',
  },
];

/**
 * Finds paths that exist on one machine only.
 * @param file relative to the repository
 */
export function findMachinePaths(
  file: string,
  text: string,
  allowed: readonly AllowedPath[] = ALLOWED_PATHS,
): readonly MachinePath[] {
  return text.split('\n').flatMap((content, index) =>
    [...content.matchAll(MACHINE_PATH)]
      .map(([found]) => found)
      .filter((found) => !allowed.some((path) => path.file.test(file) && path.text.test(found)))
      .map((found) => ({ line: index + 1, text: found })),
  );
}
