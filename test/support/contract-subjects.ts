import { afterEach } from 'vitest';

/** Opens what a contract suite looks at, and cleans it up after each of its tests. */
export const contractSubjects = <S extends { readonly cleanup: () => Promise<void> }>(
  createSubject: () => Promise<S>,
): (() => Promise<S>) => {
  const subjects: S[] = [];
  afterEach(async () => {
    await Promise.all(subjects.splice(0).map((each) => each.cleanup()));
  });
  return async () => {
    const subject = await createSubject();
    subjects.push(subject);
    return subject;
  };
};
