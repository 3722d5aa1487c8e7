/** A gateway that asks: between the page and a real gateway, for questions that no host at hand asks. */
import type { Page } from '@playwright/test';
import type { Question, QuestionAnswer } from '../src/protocol.gen';
import { expect } from './fixtures';

/** Speaks to the page as its gateway does, and takes what the page answers. */
export class Asker {
  readonly answers: QuestionAnswer[] = [];
  #say: (event: string, payload: unknown) => void = () => {
    throw new Error('There is no page yet.');
  };

  /** From now on the page's sockets lead through here. They must be WebSockets from the first moment. */
  static async at(page: Page): Promise<Asker> {
    const asker = new Asker();
    await page.routeWebSocket(/\/socket\.io\//, (near) => {
      const far = near.connectToServer();
      near.onMessage((frame) => {
        const answer = typeof frame === 'string' && frame.match(/^42\/ssh,\["session-answer",(.*)\]$/s)?.[1];
        if (answer) {
          asker.answers.push(JSON.parse(answer));
        } else {
          far.send(frame);
        }
      });
      asker.#say = (event, payload) => near.send(`42/ssh,${JSON.stringify([event, payload])}`);
    });
    return asker;
  }

  ask(question: Partial<Question>): void {
    this.say('session-question', {
      id: 1,
      kind: 'keyboard_interactive',
      target: 'alice@db-1.example.org:22',
      seconds: 90,
      name: '',
      instruction: '',
      fields: [],
      again: false,
      ...question,
    });
  }

  say(event: string, payload: unknown): void {
    this.#say(event, payload);
  }

  async answered(answers: QuestionAnswer[]): Promise<void> {
    await expect.poll(() => this.answers).toEqual(answers);
  }
}
