// Put into the page before Run is pressed: notes which iteration every lane shows, and how many guesses it has drawn,
// whenever one of them draws. Nothing polls.
(limit) => {
  const view = document.querySelector(".gl-race");
  const over = [
    ...["done", "recovered", "level", "stuck", "diverged", "stopped"],
    ...["failed", "refused", "interrupted", "damaged", "deleted"],
  ];
  const seen = [];
  const ended = new Promise((resolve) => {
    const race = () => new URL(location.href).searchParams.get("race");
    const finish = () => resolve({ seen, status: view.dataset.status, race: race() });
    new MutationObserver(() => {
      const lanes = [...view.querySelectorAll(".gl-lane")];
      const at = lanes.map(({ dataset }) => Number(dataset.iteration ?? 0));
      const drawn = lanes.map(({ dataset }) => Number(dataset.pictures ?? 0));
      if (JSON.stringify(at) !== JSON.stringify(seen.at(-1)?.at)) seen.push({ ms: performance.now(), at, drawn });
      if (over.includes(view.dataset.status)) setTimeout(finish, 500);
    }).observe(view, { subtree: true, attributeFilter: ["data-status", "data-iteration", "data-pictures"] });
    setTimeout(finish, limit * 1000);
  });
  window.bench = { ended };
};
