import { TestEnvironment } from 'jest-environment-node';

/** What PostgreSQL on this machine does in a minute takes a server on a network longer. */
const TIMES = 3;

/** Jest looks for a default export. Every time limit of a spec is three times as long. */
export default class PatientEnvironment extends TestEnvironment {
  handleTestEvent(event, state) {
    const limited = { hook_start: event.hook, test_fn_start: event.test }[event.name];
    if (limited) limited.timeout = PatientEnvironment.limitOf(limited, state.testTimeout);
  }

  static #limits = new WeakMap();

  /** Once for each: a hook that runs before every test starts again and again. */
  static limitOf(limited, otherwise) {
    const known = this.#limits.get(limited) ?? (limited.timeout ?? otherwise) * TIMES;
    this.#limits.set(limited, known);
    return known;
  }
}
