// @ts-check
// Elements made in a line.

/**
 * An element with these properties and children; `data` and `aria` go to attributes of these kinds.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null | undefined)} children
 * @returns {any}
 */
export function make(tag, properties = {}, ...children) {
  const { data = {}, aria = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(data)) element.dataset[name] = String(value);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, String(value));
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Sends something to the server, and writes where it is refused why.
 * @param {(path: string, body: any) => Promise<any>} post
 * @param {string} path
 * @param {any} body
 * @param {HTMLElement} refused
 */
export async function sendOrSay(post, path, body, refused) {
  try {
    await post(path, body);
    write(refused, "");
  } catch (error) {
    write(refused, /** @type {Error} */ (error).message);
  }
}

/**
 * Writes a text where it is another one, so that what reads a page aloud is not told the same twice.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
