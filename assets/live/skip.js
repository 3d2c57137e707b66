// @ts-check
/**
 * Puts a link before everything else on the page, seen when the Tab key reaches it, that leads to a button.
 * @param {HTMLButtonElement} button
 * @param {string} words
 * @returns {HTMLAnchorElement}
 */
export function offerSkip(button, words) {
  const link = Object.assign(document.createElement("a"), { className: "gl-skip", href: "#", textContent: words });
  link.addEventListener("click", (event) => {
    event.preventDefault();
    button.focus();
  });
  document.body.prepend(link);
  return link;
}
