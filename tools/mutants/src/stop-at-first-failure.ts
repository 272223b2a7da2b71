/** Runs before each test file: a property that fails has noticed the mutant, and need not search a smaller example. */
import fc from 'fast-check';

fc.configureGlobal({ endOnFailure: true });
