// Put into the page before Run is pressed: notes, in milliseconds from the click, what is drawn. Nothing polls.
(limit) => {
  const view = document.querySelector(".gl-view");
  const find = (name) => view.querySelector(`[data-gl=${name}]`);
  const charts = { losses: find("losses"), quality: find("quality") };
  const plots = Object.values(charts).map((node) => node.querySelector(".gl-svg"));
  const seen = { shown: [], pictures: [], changed: [], curves: { losses: [], quality: [] } };
  const over = ["done", "recovered", "level", "stuck", "diverged", "stopped", "failed", "refused", "interrupted", "deleted"];
  let clicked = null;
  const since = () => performance.now() - clicked;
  find("run").addEventListener("click", () => { clicked = performance.now(); }, { capture: true, once: true });

  let last = "";
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (pixels, ...where) {
    if (clicked !== null && this.canvas.closest("[data-gl=guess]")) {
      seen.pictures.push(since());
      const now = pixels.data.join();
      if (now !== last) seen.changed.push(since());
      last = now;
    }
    return put.call(this, pixels, ...where);
  };
  for (const [name, node] of Object.entries(charts)) {
    const update = () => { if (clicked !== null) seen.curves[name].push(since()); };
    new MutationObserver(update).observe(node.querySelector(".gl-svg > svg"), { childList: true });
  }

  const ended = new Promise((resolve) => {
    const finish = () => resolve({
      ...seen, status: view.dataset.status,
      same: plots.every((plot, index) => plot?.isConnected && Object.values(charts)[index].querySelector(".gl-svg") === plot),
    });
    new MutationObserver(() => {
      const { status, iteration, ssim, seen: word } = view.dataset;
      if (clicked === null || status === "recording") return;
      if (iteration !== "" && ssim !== "" && seen.shown.at(-1)?.iteration !== Number(iteration)) {
        seen.shown.push({ ms: since(), iteration: Number(iteration), ssim: Number(ssim), seen: word });
      }
      if (status === "paused") find("pause").click(); // at a plateau: Go on
      if (over.includes(status)) finish();
    }).observe(view, { attributes: true, attributeFilter: ["data-status", "data-iteration", "data-ssim"] });
    setTimeout(finish, limit * 1000);
  });
  window.bench = { ended };
};
