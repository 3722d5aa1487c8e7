/**
 * Lets xterm.js style itself under a policy without `unsafe-inline`: gives its `<style>` elements
 * the response's nonce, and turns its style attributes into calls that the policy allows.
 */
import { type Disposable, disposable } from './lifecycle';

/** The nonce of this response, as the gateway wrote it into the page. */
export function pageNonce(): string | undefined {
  return document.querySelector<HTMLElement>('meta[property="csp-nonce"]')?.nonce || undefined;
}

/** Must run before a terminal is made: a style element needs its nonce when it enters the page. */
export function allowTerminalStyles(nonce: string | undefined): Disposable {
  const { createElement } = document;
  const { setAttribute } = HTMLElement.prototype;

  document.createElement = function (this: Document, name: string, options?: ElementCreationOptions) {
    const element = createElement.call(this, name, options);
    if (nonce !== undefined && name.toLowerCase() === 'style') {
      element.nonce = nonce;
    }
    return element;
  } as typeof document.createElement;

  HTMLElement.prototype.setAttribute = function (this: HTMLElement, name: string, value: string) {
    if (name === 'style') {
      this.style.cssText = value;
    } else {
      setAttribute.call(this, name, value);
    }
  };

  return disposable(() => {
    document.createElement = createElement;
    HTMLElement.prototype.setAttribute = setAttribute;
  });
}
