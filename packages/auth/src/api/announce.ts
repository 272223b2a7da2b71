/** Carries a change out, and announces what it is about even if it fails: without an answer, it may have been made. */
export async function announce<T, Subject>(
  subject: Subject,
  hear: (subject: Subject) => void,
  change: () => Promise<T>,
): Promise<T> {
  try {
    return await change();
  } finally {
    hear(subject);
  }
}
