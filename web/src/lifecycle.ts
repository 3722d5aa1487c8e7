/** Everything that subscribes gives back a `Disposable`; disposing twice is harmless. */
export interface Disposable {
  dispose(): void;
}

/** A `Disposable` that runs `dispose` once. */
export function disposable(dispose: () => void): Disposable {
  let done = false;
  return {
    dispose() {
      if (!done) {
        done = true;
        dispose();
      }
    },
  };
}

/** Disposes all that it owns, last come first. What is added after that is disposed at once. */
export class Disposables implements Disposable {
  #owned: Disposable[] = [];
  #disposed = false;

  add<T extends Disposable>(owned: T): T {
    if (this.#disposed) {
      owned.dispose();
    } else {
      this.#owned.push(owned);
    }
    return owned;
  }

  dispose(): void {
    this.#disposed = true;
    for (const owned of this.#owned.splice(0).reverse()) {
      owned.dispose();
    }
  }
}

/** Listens to DOM events until it is disposed. */
export function listen(
  target: EventTarget,
  type: string,
  listener: EventListener,
  options?: AddEventListenerOptions,
): Disposable {
  target.addEventListener(type, listener, options);
  return disposable(() => target.removeEventListener(type, listener, options));
}
