/** Keeps a text about time up to date, and counts time in words. */
import type { Disposable } from '../lifecycle';

const TICK = 250;

/** Says the time by calling `tell` a few times a second while it runs. */
export class Clock implements Disposable {
  #ticks: ReturnType<typeof setInterval> | undefined;

  run(tell: () => void): void {
    this.stop();
    tell();
    this.#ticks = setInterval(tell, TICK);
  }

  stop(): void {
    clearInterval(this.#ticks);
    this.#ticks = undefined;
  }

  dispose(): void {
    this.stop();
  }
}

/** Whole seconds from now until then, never less than 0. */
export function secondsUntil(then: number): number {
  return Math.max(0, Math.ceil((then - Date.now()) / 1000));
}

const UNITS = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
];

/** So much time in its two largest units: `3 min 12 s`, `2 h`. */
export function duration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const words: string[] = [];
  const first = UNITS.findIndex((unit) => rest >= unit.seconds);
  for (const unit of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / unit.seconds);
    rest -= count * unit.seconds;
    if (count > 0) {
      words.push(`${count} ${unit.name}`);
    }
  }
  return words.join(' ') || '0 s';
}
