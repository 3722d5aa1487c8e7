/**
 * The questions that the gateway asks while a session is opened: each stands for its time, and gets
 * one answer. What is answered passes through here and stays nowhere. Knows no socket and no DOM.
 */
import type { Disposable } from './lifecycle';
import type { Question, QuestionAnswer } from './protocol.gen';
import { type Event, type State, standing } from './state';

/** An answer, whatever the number of its question. */
export type Given = Omit<QuestionAnswer, 'id'>;

export class Questions implements Disposable {
  #time: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly on: (event: Event) => void,
    private readonly say: (answer: QuestionAnswer) => void,
  ) {}

  /** A question stands, in place of one before. */
  ask(question: Question): void {
    clearTimeout(this.#time);
    const stands = question.seconds * 1000;
    this.on({ type: 'asked', question, until: Date.now() + stands });
    this.#time = setTimeout(() => this.on({ type: 'time-up' }), stands);
  }

  answer(state: State, given: Given): void {
    if (standing(state)) {
      clearTimeout(this.#time);
      this.say({ id: state.asked.question.id, ...given });
      this.on({ type: 'answered' });
    }
  }

  dispose(): void {
    clearTimeout(this.#time);
  }
}
