// A whole site in one file: one page at a time is in the document, with the names of its places as they are on a page of its own.
lsm.page("single", (main) => {
  "use strict";
  const pages = new Map([...main.querySelectorAll(":scope > .page")].map((page) => [page.dataset.path, page]));
  const NAMES = ["id", "for", "aria-labelledby", "aria-describedby", "aria-controls", "data-copy"];
  const root = document.documentElement;
  const begun = new Set();
  let now = null;
  const restore = (page, path) => {
    for (const name of NAMES) {
      for (const element of page.querySelectorAll(`[${name}]`)) {
        element.setAttribute(name, element.getAttribute(name).split(" ").map((one) => (one.startsWith(`${path}!`) ? one.slice(path.length + 1) : one)).join(" "));
      }
    }
    page.removeAttribute("id");
  };
  const show = () => {
    const [path, anchor] = decodeURIComponent(location.hash.slice(1)).split("!");
    const here = pages.has(path) ? path : now || "index.html";
    const page = pages.get(here);
    if (here !== now) {
      main.replaceChildren(page);
      now = here;
      root.dataset.path = here;
      document.title = page.dataset.title || document.title;
      lsm.translate(page);
      if (!begun.has(here)) {
        begun.add(here);
        lsm.begin(page);
      }
      for (const link of document.querySelectorAll("nav a")) {
        if (link.getAttribute("href") === `#${here}`) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      scrollTo(0, 0);
    }
    const place = anchor || (here === path ? "" : path);
    if (place) document.getElementById(place)?.scrollIntoView();
  };
  for (const [path, page] of pages) {
    restore(page, path);
    page.classList.add("on");
    page.remove();
  }
  // Links that scripts made lead to pages by their paths.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const address = link?.getAttribute("href");
    if (!address || /^(#|[a-z]+:|\/\/)/i.test(address) || link.hasAttribute("download")) return;
    const found = new URL(address, `x:/${now}`);
    const path = decodeURIComponent(found.pathname.slice(1));
    if (pages.has(path)) link.setAttribute("href", `${found.search && found.search !== location.search ? found.search : ""}#${path}${found.hash ? `!${found.hash.slice(1)}` : ""}`);
  }, true);
  addEventListener("hashchange", show);
  show();
});
