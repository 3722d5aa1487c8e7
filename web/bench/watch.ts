/** What runs in the page before anything else, and watches xterm.js's rows. */

declare global {
  interface Window {
    /** When the prompt was painted, in milliseconds since the navigation. */
    prompted: Promise<number>;
    /** Milliseconds from the key that is watched to the frame that shows something else. */
    glyph: Promise<number>;
    /** Watches the next key. */
    watchGlyph(): void;
  }
}

/** It is sent to the page as text: it must refer to nothing out here. */
export function watchPrompt(): void {
  const rows = () => document.querySelector('.xterm-rows')?.textContent ?? '';
  const frame = () => new Promise<number>(requestAnimationFrame);
  const until = async (isSo: () => boolean) => {
    while (!isSo()) {
      await frame();
    }
    // The rows are filled in a frame; by the next it was painted.
    await frame();
    return performance.now();
  };
  window.prompted = until(() => rows().includes('$'));
  const nextGlyph = async () => {
    const before = rows();
    const pressed = await new Promise<number>((resolve) => {
      addEventListener('keydown', (event) => resolve(event.timeStamp), { capture: true, once: true });
    });
    return (await until(() => rows() !== before)) - pressed;
  };
  window.watchGlyph = () => {
    window.glyph = nextGlyph();
  };
}
