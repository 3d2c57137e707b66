// Streamlit runs this default export at every change of data or theme, and the clean-up once, at unmount.
const views = new WeakMap();

export default function live(component) {
  const { data: [data], parentElement } = component;
  if (!views.has(parentElement)) {
    const url = new URL(`${data.base}/api/static/live/view.js?v=${data.version}`, location.origin);
    views.set(parentElement, import(url.href).then((module) => new module.View(parentElement, data)));
  }
  const view = views.get(parentElement);
  view.then((it) => it.update({ ...component, data })).catch((error) => {
    parentElement.querySelector("[data-gl=message]").textContent = "The live view could not be loaded; reload the page.";
    console.error(error);
  });
  return () => {
    views.delete(parentElement);
    view.then((it) => it.unmount(), () => {});
  };
}
