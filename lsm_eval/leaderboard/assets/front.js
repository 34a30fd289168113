// The front page's table: sorted, filtered and with other columns as the address says.
lsm.page("front", (main) => {
  "use strict";
  const { el, t, tn } = lsm;
  const table = main.querySelector("[data-board]");
  const form = main.querySelector(".tools");
  const rows = lsm.data(main, "rows");
  const first = lsm.data(main, "first");
  const catalogue = new Map(lsm.data(main, "catalogue").map(([id, group, label, sub, piece, isFirst]) => [id, { id, group, label, sub, piece, isFirst }]));
  const held = new Map(lsm.data(main, "held").map((column) => [column.id, column]));
  const none = new Set(rows.none);
  const places = rows.name.map((_, place) => place);
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const MOST = 100; // rows that are drawn where there are more than half as many again
  const AT_ONCE = 40; // of them before the browser paints; the others follow when it has
  const word = (list, place) => list.words[list.at[place]];
  const GRADES = ["excellent", "very good", "good", "fair", "poor"];
  const own = (column) => column.id.startsWith("task:");
  const fold = new Set();
  let all = false;
  let elements = new Map();
  let drawn = "";
  let rest = null; // draws the rows that the browser has not been given yet
  let view = { order: [], columns: [] };

  // What a cell says.
  const text = (column, value) => {
    if (value === null) return "–";
    const said = typeof value === "string" ? value : column.digits === null ? String(value) : value.toFixed(column.digits);
    return said.replace("-", "−");
  };
  const count = (column, place) => (Array.isArray(column.n) ? column.n[place] : column.v[place] === null ? null : column.n);
  const ranked = (column, place) => column.v[place] !== null && !(column.x[place]?.mark || column.x[place]?.part);
  const cell = (column, place) => {
    const value = column.v[place];
    if (value === null) return el("td", { class: "none" }, "–");
    if (column.unit === "grade") return el("td", {}, t(value));
    const more = column.x[place] || {};
    const shown = el("b", {}, own(column) ? el("a", { href: `models/${rows.slug[place]}.html#${column.anchor}` }, text(column, value)) : text(column, value));
    if (more.mark) shown.append(el("sup", { title: more.why }, more.mark));
    const made = el("td", ranked(column, place) ? {} : { class: "apart" }, shown);
    if (column.lo && column.lo[place] !== null) made.append(el("i", {}, `[${text(column, column.lo[place])}, ${text(column, column.hi[place])}]`));
    if (column.id.startsWith("cost:")) {
      if (more.notes) made.title = more.notes.join("; ");
      return made;
    }
    if (column.id.startsWith("ratio:")) return made;
    if (Array.isArray(column.n)) made.append(el("small", {}, `n ${count(column, place) ?? "–"}`));
    if (more.missing) made.append(el("small", { class: "warn" }, t("{share} missing", { share: more.missing })));
    if (more.cut) made.append(el("small", { class: "warn" }, t("{share} cut off", { share: more.cut })));
    if (more.part) made.append(el("small", { class: "warn" }, t("{part} tasks", { part: more.part })));
    for (const note of more.notes || []) made.append(el("small", {}, note));
    return made;
  };
  const label = (column) => (own(column) || column.id.startsWith("suite:") ? column.label : t(column.label));
  // May break after these signs, and in no word.
  const broken = (said) => said.split(/(?<=[_/:@-])/).flatMap((part, at) => (at ? [el("wbr"), part] : [part]));
  const sub = (column) => {
    const parts = [own(column) ? column.sub : t(column.sub)];
    if (column.unit === "fraction" || column.unit === "points") parts.push("%");
    else if (own(column) && !["other", "perplexity"].includes(column.unit) && !column.sub.startsWith(column.unit)) parts.push(column.unit);
    if (column.higher !== null && column.unit !== "grade") parts.push(column.higher ? "↑" : "↓");
    if (typeof column.n === "number") parts.push(`· n ${column.n}`);
    return parts.join(" ");
  };
  const span = (ranks, place) => {
    const low = ranks?.low[place];
    if (!low) return "–";
    return low === ranks.high[place] ? String(low) : `${low}–${ranks.high[place]}`;
  };

  // State, from the address.
  const chosen = () => {
    const named = lsm.list("col");
    const ids = named.length ? named.filter((id) => catalogue.has(id)) : first;
    const area = lsm.get("area");
    const fits = (id) => !area || catalogue.get(id).group === area || id.endsWith(`:${area}`) && !id.startsWith("task:");
    if (area && !named.length) return [...catalogue.values()].filter((one) => fits(one.id) && (one.isFirst || !own(one))).map((one) => one.id);
    return ids.filter(fits);
  };
  const sorted = (columns) => {
    const named = lsm.get("sort") || "";
    const back = named.startsWith("-");
    const id = back ? named.slice(1) : named;
    if (id === "model") return { id, back, column: null };
    const column = columns.find((one) => one.id === id) || columns[0] || null;
    return { id: column ? column.id : "model", back: column && column.id === id ? back : false, column };
  };
  const filtered = () => {
    const query = (lsm.get("q") || "").toLocaleLowerCase();
    const least = Number(lsm.get("min") || 0) * 1e9;
    const most = lsm.get("max") ? Number(lsm.get("max")) * 1e9 : Infinity;
    const bySize = least > 0 || most < Infinity;
    return places.filter((place) =>
      (!query || rows.name[place].toLocaleLowerCase().includes(query))
      && (!lsm.get("licence") || word(rows.licence, place) === lsm.get("licence"))
      && (!lsm.get("backend") || word(rows.backend, place) === lsm.get("backend"))
      && (!bySize || (rows.size[place] !== null && rows.size[place] >= least && rows.size[place] <= most))
      && (!lsm.get("since") || rows.date[place] >= lsm.get("since"))
      && (!lsm.get("until") || rows.date[place] <= lsm.get("until"))
      && (lsm.get("none") !== "hide" || !none.has(place)));
  };
  const arranged = (kept, { id, back, column }) => {
    const names = (a, b) => collator.compare(rows.name[a], rows.name[b]) || a - b;
    if (id === "model") return kept.sort((a, b) => (back ? -1 : 1) * names(a, b));
    // 0: has a number that may be ranked, 1: another number, 2: none; these stay last both ways.
    const level = (place) => (column.v[place] === null ? 2 : ranked(column, place) ? 0 : 1);
    const sign = (column.higher === false ? 1 : -1) * (back ? -1 : 1);
    const value = (place) => (column.unit === "grade" ? GRADES.indexOf(column.v[place]) : Number(String(column.v[place]).replace("∞", "Infinity")));
    return kept.sort((a, b) => level(a) - level(b) || (level(a) < 2 && sign * (value(a) - value(b))) || names(a, b));
  };

  // Drawing.
  const details = (place, width) => {
    const pairs = [
      [t("Name"), rows.name[place]],
      [t("Parameters"), rows.size[place] === null ? "–" : rows.size[place].toLocaleString("en")],
      [t("Licence"), word(rows.licence, place) || "–"],
      [t("Backend"), word(rows.backend, place)],
      [t("Type"), word(rows.dtype, place) || "–"],
      [t("Newest run"), rows.date[place]],
      [t("Runs"), String(rows.runs[place])],
    ];
    if (rows.behind[place]) pairs.push([t("Runs with numbers behind another's"), String(rows.behind[place])]);
    if (rows.out[place]) pairs.push([t("Could not be asked"), rows.out[place].join(", ")]);
    if (rows.prints[place]) pairs.push([t("Fingerprints"), String(rows.prints[place])]);
    const list = el("dl", {});
    for (const [name, said] of pairs) list.append(el("dt", {}, name), el("dd", {}, said));
    return el("tr", { class: "fold" }, el("td", { colspan: width + 2 }, list));
  };
  const row = (place, columns) => {
    const more = el("button", {
      type: "button", class: "more", "aria-expanded": "false", "aria-label": t("More on {model}", { model: rows.short[place] }),
      click: () => {
        if (!fold.delete(place)) fold.add(place);
        draw();
      },
    }, "⋯");
    const name = el("th", { scope: "row", class: "name", title: rows.name[place] },
      el("a", { href: `models/${rows.slug[place]}.html` }, ...broken(rows.short[place])), more);
    const out = rows.out[place]?.length;
    if (out) name.append(el("small", { class: "warn" }, tn(out, "{n} task could not be asked", "{n} tasks could not be asked")));
    return el("tr", { "data-at": place }, name, el("td", { class: "rank" }, "–"), ...columns.map((column) => cell(column, place)));
  };
  const directions = (order) => {
    for (const header of table.tHead.querySelectorAll("th[data-id]")) {
      const column = held.get(header.dataset.id);
      const way = (column ? column.higher === false : true) !== order.back ? "ascending" : "descending";
      header.setAttribute("aria-sort", order.id === header.dataset.id ? way : "none");
    }
  };
  const head = (columns) => {
    const [upper, lower] = table.tHead.rows;
    while (upper.cells.length > 2) upper.lastChild.remove();
    lower.replaceChildren();
    let last = null;
    for (const column of columns) {
      if (last && last.dataset.group === column.group) last.colSpan += 1;
      else {
        last = el("th", { scope: "colgroup", class: "group", "data-group": column.group, colspan: 1 }, el("span", {}, t(column.group)));
        upper.append(last);
      }
      const about = [...column.about].map((said) => t(said)).join(" ");
      lower.append(el("th", { scope: "col", "data-id": column.id, "aria-sort": "none", title: `${label(column)} ${own(column) ? column.sub : t(column.sub)}: ${about}` },
        el("button", { type: "button" }, ...broken(label(column))), el("span", { class: "metric" }, sub(column))));
    }
  };
  const draw = () => {
    const height = places.length > AT_ONCE ? main.offsetHeight : 0;
    const columns = view.columns;
    const order = sorted(columns);
    const key = `${lsm.language()} ${columns.map((column) => column.id).join(" ")}`;
    if (key !== drawn) {
      elements = new Map();
      drawn = key;
      head(columns);
    }
    directions(order);
    const kept = arranged(filtered(), order);
    view.order = [...kept.filter((place) => !none.has(place)), ...kept.filter((place) => none.has(place))];
    const ranks = order.column ? order.column.ranks : null;
    const tied = ranks && !order.back ? view.order.filter((place) => ranks.low[place] === 1 && !none.has(place)) : [];
    const shut = tied.length > 1 && lsm.get("top") !== "all";
    const bodies = [el("tbody", {}), el("tbody", { class: "nomodel" })];
    const add = (place) => {
      if (!elements.has(place)) elements.set(place, row(place, columns));
      const made = elements.get(place);
      made.cells[1].textContent = span(ranks, place);
      const body = bodies[none.has(place) ? 1 : 0];
      body.append(made);
      made.querySelector(".more").setAttribute("aria-expanded", String(fold.has(place)));
      if (fold.has(place)) body.append(details(place, columns.length));
    };
    if (tied.length > 1) {
      const inside = el("span", {}, el("button", {
        type: "button", "aria-expanded": String(!shut), "data-tied": true,
        click: () => {
          lsm.set({ top: shut ? "all" : null });
          draw();
          table.querySelector("[data-tied]").focus();
        },
      }, tn(tied.length, "{n} model may be the best", "{n} models may all be the best")));
      if (shut) {
        tied.slice(0, 12).forEach((place, at) => inside.append(at ? ", " : ": ", el("a", { href: `models/${rows.slug[place]}.html` }, rows.short[place])));
        if (tied.length > 12) inside.append(" …");
      }
      bodies[0].append(el("tr", { class: "split" }, el("th", { scope: "colgroup", colspan: columns.length + 2 }, inside)));
    }
    const hidden = new Set(shut ? tied : []);
    const shownRows = view.order.filter((place) => !hidden.has(place));
    const most = all || shownRows.length <= 1.5 * MOST ? Infinity : MOST;
    const now = shownRows.slice(0, most);
    now.slice(0, AT_ONCE).forEach(add);
    // While fewer rows are there, nobody is scrolled to another place.
    if (now.length > AT_ONCE) main.style.minHeight = `${height}px`;
    while (table.tBodies.length) table.tBodies[0].remove();
    table.append(bodies[0]);
    const others = () => {
      rest = null;
      now.slice(AT_ONCE).forEach(add);
      if (!bodies[0].rows.length) bodies[0].remove();
      if (bodies[1].rows.length) {
        bodies[1].prepend(el("tr", { class: "split" }, el("th", { scope: "colgroup", colspan: columns.length + 2 }, el("span", {}, t("Rows that need no model: what chance and shortcuts score")))));
        table.append(bodies[1]);
      }
      if (shownRows.length > most) {
        table.append(el("tbody", {}, el("tr", { class: "split" }, el("th", { scope: "colgroup", colspan: columns.length + 2 }, el("button", {
          type: "button",
          click: () => {
            all = true;
            draw();
          },
        }, tn(shownRows.length - most, "Show {n} more row", "Show {n} more rows"))))));
      }
      main.style.minHeight = "";
    };
    rest = others;
    if (now.length > AT_ONCE) requestAnimationFrame(() => setTimeout(() => rest === others && others()));
    else others();
    const said = main.querySelector("[data-told]");
    if (ranks) said.textContent = t("{told} of {pairs} neighbouring pairs can be told apart in {column}.", { told: ranks.told, pairs: ranks.pairs, column: label(order.column) });
    else said.textContent = "";
    const by = { column: order.column ? label(order.column) : t("Model") };
    main.querySelector("[data-status]").textContent = [
      tn(view.order.length, "{n} row", "{n} rows"),
      order.back ? t("sorted by {column}, worst first", by) : t("sorted by {column}, best first", by),
    ].join(", ");
  };

  // Columns that the page does not hold come in pieces.
  let turn = 0;
  const show = async () => {
    const ids = chosen();
    const mine = ++turn;
    const wanted = new Set(ids.filter((id) => !held.has(id)).map((id) => catalogue.get(id).piece));
    try {
      for (const columns of await Promise.all([...wanted].map((name) => lsm.piece(name)))) {
        for (const column of columns) held.set(column.id, column);
      }
    } catch (error) {
      main.querySelector("[data-status]").textContent = t("{file} could not be read", { file: error.message });
    }
    if (mine !== turn) return;
    view.columns = ids.map((id) => held.get(id)).filter(Boolean);
    draw();
  };

  // Files of what is shown.
  const cellsOf = (column, place) => {
    const more = column.x[place] || {};
    return {
      value: column.v[place], low: column.lo?.[place] ?? null, high: column.hi?.[place] ?? null, n: count(column, place),
      missing: more.missing || null, cut: more.cut || null, tasks: more.part || null, mark: more.mark || null, notes: (more.notes || []).join("; ") || null,
    };
  };
  const save = (form) => {
    const ranks = sorted(view.columns).column?.ranks;
    const name = (column) => `${label(column)} ${own(column) ? column.sub : t(column.sub)}`;
    if (form === "json") {
      const list = view.order.map((place) => ({
        model: rows.name[place], no_model: none.has(place), rank: ranks?.low[place] ? [ranks.low[place], ranks.high[place]] : null,
        columns: Object.fromEntries(view.columns.map((column) => [column.id, cellsOf(column, place)])),
      }));
      lsm.save("leaderboard.json", "application/json", `${JSON.stringify(list, null, 1)}\n`);
      return;
    }
    const kinds = ["value", "low", "high", "n", "missing", "cut", "tasks", "mark", "notes"];
    const used = new Map(view.columns.map((column) => [column, kinds.filter((kind) => kind === "value" || view.order.some((place) => cellsOf(column, place)[kind] !== null))]));
    // A spreadsheet must not take a name for a formula.
    const quoted = (thing) => (typeof thing === "number" || /^-?\d[\d.e+-]*$/.test(thing) ? String(thing) : thing === null ? "" : `"${String(thing).replace(/^([=+@\t\r-])/, "'$1").replace(/"/g, '""')}"`);
    const lines = [["model", "rank low", "rank high", ...view.columns.flatMap((column) => used.get(column).map((kind) => (kind === "value" ? name(column) : `${name(column)} ${kind}`)))]];
    for (const place of view.order) {
      const known = Boolean(ranks?.low[place]);
      lines.push([rows.name[place], known ? ranks.low[place] : null, known ? ranks.high[place] : null,
        ...view.columns.flatMap((column) => used.get(column).map((kind) => cellsOf(column, place)[kind]))]);
    }
    lsm.save("leaderboard.csv", "text/csv", `${lines.map((line) => line.map(quoted).join(",")).join("\r\n")}\r\n`);
  };

  // The form.
  const choose = () => {
    const box = main.querySelector("[data-choose]");
    const now = new Set(chosen());
    const groups = new Map();
    for (const one of catalogue.values()) groups.set(one.group, [...(groups.get(one.group) || []), one]);
    box.replaceChildren(...[...groups].map(([group, list]) => el("fieldset", {}, el("legend", {}, t(group)), ...list.map((one) => {
      const said = one.id.startsWith("task:") ? `${one.label} ${one.sub}` : `${one.id.startsWith("suite:") ? one.label : t(one.label)} ${t(one.sub)}`;
      const tick = el("input", { type: "checkbox", value: one.id });
      tick.checked = now.has(one.id);
      return el("label", one.isFirst || !one.id.startsWith("task:") ? {} : { class: "second" }, tick, ` ${said}`);
    }))));
  };
  main.querySelector("[data-choose]").addEventListener("change", () => {
    const ids = [...main.querySelectorAll("[data-choose] input:checked")].map((tick) => tick.value);
    lsm.set({ col: ids.join() === first.join() ? null : ids.length ? ids : "none" });
    show();
  });
  const choices = main.querySelector(".choose");
  choices.addEventListener("toggle", () => choices.open && choose());
  const fill = () => {
    const add = (name, words, said) => {
      const list = form.elements[name];
      while (list.options.length > 1) list.options[1].remove();
      for (const each of words) if (each) list.append(el("option", { value: each }, said(each)));
      list.value = lsm.get(name) || "";
    };
    add("licence", rows.licence.words, (each) => each);
    add("backend", rows.backend.words, (each) => each);
    add("area", [...new Set([...catalogue.values()].filter((one) => one.id.startsWith("task:")).map((one) => one.group))], t);
    for (const name of ["q", "min", "max", "since", "until"]) form.elements[name].value = lsm.get(name) || "";
    form.elements.none.checked = lsm.get("none") !== "hide";
    if (["area", "licence", "backend", "min", "max", "since", "until", "none"].some((name) => lsm.get(name))) form.querySelector(".filters").open = true;
    if (choices.open) choose();
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { name } = event.target;
    if (!name) return;
    lsm.set({ [name]: name === "none" ? (event.target.checked ? null : "hide") : event.target.value });
    if (name === "area") {
      if (choices.open) choose();
      show();
    } else draw();
  });
  for (const button of form.querySelectorAll("[data-save]")) button.addEventListener("click", () => save(button.dataset.save));
  form.querySelector("[data-reset]").addEventListener("click", () => {
    lsm.set(Object.fromEntries(["col", "sort", "q", "licence", "backend", "min", "max", "since", "until", "none", "area", "top"].map((name) => [name, null])));
    fold.clear();
    fill();
    show();
  });
  table.tHead.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { id } = button.closest("th").dataset;
    const order = sorted(view.columns);
    const named = order.id === id && !order.back ? `-${id}` : id;
    lsm.set({ sort: named === view.columns[0]?.id && view.columns[0].id === first[0] ? null : named });
    draw();
  });
  window.addEventListener("beforeprint", () => rest?.());
  form.hidden = false;
  fill();
  lsm.onLanguage(() => {
    fill();
    show();
  });
  show();
});
