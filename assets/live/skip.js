// @ts-check
/**
 * Puts a link before everything else on the page, seen when the Tab key reaches it, that leads to a button. While the
 * button cannot be pressed it keeps the focus, and hands it on as soon as it can.
 * @param {HTMLButtonElement} button
 * @param {string} words
 * @returns {HTMLAnchorElement}
 */
export function offerSkip(button, words) {
  const link = Object.assign(document.createElement("a"), { className: "gl-skip", href: "#", textContent: words });
  link.addEventListener("click", (event) => {
    event.preventDefault();
    button.focus();
    if (!button.disabled) return;
    const waiting = new MutationObserver(() => {
      if (button.disabled) return;
      waiting.disconnect();
      if (document.activeElement === link) button.focus();
    });
    waiting.observe(button, { attributeFilter: ["disabled"] });
  });
  document.body.prepend(link);
  return link;
}
