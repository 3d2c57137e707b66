// @ts-check
// Streamlit runs this default export at every change of data or theme, and the clean-up once, at unmount.
// It has no address of its own, so that it alone has to find the others while it runs.
/** @import { Component, Data } from "./types" */
/** @import { View } from "./view.js" */

/** @type {WeakMap<HTMLElement, Promise<View>>} */
const views = new WeakMap();

/**
 * @param {HTMLElement} parent
 * @param {Data} data
 * @returns {Promise<View>}
 */
async function load(parent, data) {
  const joined = `api/static/live/${data.version}/joined`;
  const module = await import(new URL(`${joined}/${data.module ?? "view.js"}`, document.baseURI).href);
  await module.View.prepare?.(data);
  return new module.View(parent, data);
}

/** @param {HTMLElement} parent */
function excuse(parent) {
  const message = parent.querySelector("[data-gl=message]");
  if (message) message.textContent = "The live view could not be loaded; reload the page.";
}

/** @param {Omit<Component, "data"> & { data: [Data] }} component */
export default function live(component) {
  const { data: [data], parentElement } = component;
  const view = views.get(parentElement) ?? load(parentElement, data);
  views.set(parentElement, view);
  view.then((it) => it.update({ ...component, data })).catch((error) => {
    excuse(parentElement);
    console.error(error);
  });
  return () => {
    views.delete(parentElement);
    view.then((it) => it.unmount(), () => {});
  };
}
