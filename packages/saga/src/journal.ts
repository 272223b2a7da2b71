import { advance, type SagaEvent } from './advance.ts';
import type { SagaState } from './state.ts';

/** Holds the state of a saga and takes it from event to event. */
export class Journal {
  #state: SagaState;
  readonly #onChange: (state: SagaState) => void;

  constructor(state: SagaState, onChange: (state: SagaState) => void = () => undefined) {
    this.#state = state;
    this.#onChange = onChange;
  }

  get state(): SagaState {
    return this.#state;
  }

  record(event: SagaEvent): void {
    this.#state = advance(this.#state, event);
    this.#onChange(this.#state);
  }
}
