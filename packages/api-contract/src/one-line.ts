/** Text that PostgreSQL takes and that logs and terminals show on one line, with nothing invisible in it. */
export function isOneLine(text: string): boolean {
  return !/[\p{C}\p{Zl}\p{Zp}]/u.test(text);
}
