// Shows another pair of axes: each drawing is made when the site is built, and loads on demand.
lsm.page("cost", (main) => {
  "use strict";
  const { t } = lsm;
  const { pieces } = lsm.data(main, "cost");
  const form = main.querySelector("form");
  const [target, status] = ["[data-figure]", "[data-status]"].map((name) => main.querySelector(name));
  const { y, x } = form.elements;
  let turn = 0;
  const show = async () => {
    const own = (turn += 1);
    const piece = pieces[`${y.value} ${x.value}`];
    let text = "";
    try {
      if (piece) text = (await lsm.piece(piece)).join("");
    } catch (error) {
      status.textContent = t("{file} cannot be loaded: it belongs beside this page.", { file: error.message });
      return;
    }
    if (own !== turn) return;
    // A parsed document is inert: nothing in it runs.
    target.replaceChildren(...(piece ? new DOMParser().parseFromString(text, "text/html").body.childNodes : [t("No two models have both.")]));
    lsm.translate(target);
    status.textContent = `${y.selectedOptions[0].text}, ${x.selectedOptions[0].text}`;
  };
  const first = [y.value, x.value];
  for (const select of [y, x]) {
    const wanted = lsm.get(select.name);
    if (wanted && [...select.options].some((option) => option.value === wanted)) select.value = wanted;
    select.addEventListener("change", () => {
      lsm.set({ y: y.value, x: x.value });
      show();
    });
  }
  form.hidden = false;
  if (y.value !== first[0] || x.value !== first[1]) show();
});
