// What all pages share: state in the URL, languages, light and dark, data, and pieces of it that load on demand.
// A page's own script asks for its part by lsm.page(kind, main => ...), and finds everything inside `main`.
const lsm = (() => {
  "use strict";
  const root = document.documentElement;
  const base = root.lang;
  const started = [];
  const inOtherWords = [];
  let words = {};
  const query = new URLSearchParams(location.search);
  for (const [name, value] of new URLSearchParams(/^#[a-z]+=/.test(location.hash) ? location.hash.slice(1) : "")) {
    if (!query.has(name)) query.set(name, value);
  }

  // State. What is as it is by itself is not in the URL.
  const get = (name) => query.get(name);
  const list = (name) => query.getAll(name);
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) {
      query.delete(name);
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== null && one !== undefined && one !== "") query.append(name, one);
      }
    }
    const text = query.toString();
    history.replaceState(null, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
  };

  // Texts.
  const language = () => root.lang;
  const t = (text, parts) => {
    const found = (words[root.lang] || {})[text] || text;
    return parts ? found.replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(parts, name) ? String(parts[name]) : all)) : found;
  };
  const tn = (n, one, many, parts) => t(n === 1 ? one : many, { ...parts, n: n.toLocaleString("en") });
  const ATTRIBUTES = ["title", "aria-label", "placeholder", "label"];
  const translate = (part = document) => {
    const say = (element, name) => {
      const parts = element.getAttribute(`data-${name}-parts`);
      return t(element.getAttribute(`data-${name}`), parts ? JSON.parse(parts) : null);
    };
    for (const element of part.querySelectorAll("[data-t]")) {
      element.dataset.t ||= element.textContent;
      element.textContent = say(element, "t");
    }
    for (const name of ATTRIBUTES) {
      for (const element of part.querySelectorAll(`[data-t-${name}]`)) element.setAttribute(name, say(element, `t-${name}`));
    }
  };
  const speak = (code) => {
    root.lang = code;
    translate();
    for (const button of document.querySelectorAll("[data-set-lang]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setLang === code));
    }
    for (const again of inOtherWords) again();
  };

  // Light and dark.
  const themed = () => root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const theme = (name) => {
    if (name === "light" || name === "dark") root.dataset.theme = name;
    for (const button of document.querySelectorAll("[data-set-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === themed()));
    }
  };
  theme(get("theme"));

  // Links within the site keep language and look.
  const keep = (event) => {
    const link = event.target.closest ? event.target.closest("a[href]") : null;
    const address = link && link.getAttribute("href");
    if (!address || /^(#|[a-z]+:|\/)/i.test(address) || link.hasAttribute("download")) return;
    const [, path, search, hash] = /^([^?#]*)(\?[^#]*)?(#.*)?$/.exec(address);
    const own = new URLSearchParams(search || "");
    for (const name of ["lang", "theme"]) {
      if (get(name)) own.set(name, get(name));
      else own.delete(name);
    }
    const text = own.toString();
    link.setAttribute("href", `${path}${text ? `?${text}` : ""}${hash || ""}`);
  };
  for (const name of ["pointerdown", "keydown", "click", "auxclick", "contextmenu"]) document.addEventListener(name, keep, true);

  // An element: texts stay texts.
  const el = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (typeof value === "function") made.addEventListener(name, value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };

  // Data that the page holds.
  const data = (part, name) => {
    const found = part.querySelector(`script[type="application/json"][data-name="${CSS.escape(name)}"]`);
    return found ? JSON.parse(found.textContent) : null;
  };

  // Pieces of data, each once. Only a script can load from disk; it calls lsmPiece(name, data).
  const asked = new Map();
  const waiting = new Map();
  window.lsmPiece = (name, content) => waiting.get(name)?.(content);
  const piece = (name) => {
    if (!asked.has(name)) {
      asked.set(name, new Promise((resolve, reject) => {
        const packed = document.querySelector(`script[data-piece="${CSS.escape(name)}"]`);
        if (packed) {
          resolve(JSON.parse(packed.textContent));
          return;
        }
        let came = false;
        waiting.set(name, (content) => {
          came = true;
          resolve(content);
        });
        const script = document.createElement("script");
        script.src = `${root.dataset.root}${name}`;
        const lost = () => {
          script.remove();
          if (came) return;
          asked.delete(name);
          reject(new Error(name));
        };
        // Some hosts answer what is not there with a page, which loads, too.
        script.addEventListener("load", lost);
        script.addEventListener("error", lost);
        document.head.append(script);
      }));
    }
    return asked.get(name);
  };

  // Hands a file to the reader, made of what is shown.
  const save = (name, type, text) => {
    const address = URL.createObjectURL(new Blob([text], { type }));
    el("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  };

  document.addEventListener("DOMContentLoaded", () => {
    words = data(document, "words") || {};
    words.en = words.en || {};
    for (const part of document.querySelectorAll(".switches")) part.hidden = false;
    for (const button of document.querySelectorAll("[data-set-lang]")) {
      button.addEventListener("click", () => {
        set({ lang: button.dataset.setLang === base ? null : button.dataset.setLang });
        speak(button.dataset.setLang);
      });
    }
    for (const button of document.querySelectorAll("[data-set-theme]")) {
      button.addEventListener("click", () => {
        set({ theme: button.dataset.setTheme });
        theme(button.dataset.setTheme);
      });
    }
    theme();
    const wanted = get("lang");
    if (wanted && (wanted === "en" || words[wanted])) {
      if (wanted !== base) speak(wanted);
    }
    for (const button of document.querySelectorAll("[data-set-lang]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setLang === root.lang));
    }
    begin(document.querySelector("main"));
  });
  // A page's own script begins with its part.
  const begin = (main) => {
    for (const [kind, script] of started) if (kind === main.dataset.kind) script(main);
  };

  return Object.freeze({
    get, list, set, t, tn, language, translate, el, data, piece, save,
    begin,
    page: (kind, script) => started.push([kind, script]),
    onLanguage: (again) => inOtherWords.push(again),
  });
})();
