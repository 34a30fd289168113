// Filters, searches and extends the samples of a page. What is beyond its first portion loads on demand; texts stay texts.
lsm.page("samples", (main) => {
  "use strict";
  const { t, tn, el } = lsm;
  const BATCH = 50;
  const LOADS = 40; // pieces that one search reads before it asks
  const BITS = { wrong: 1, missing: 2, truncated: 4, disagrees: 8, slow: 16 };
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
  const about = lsm.data(main, "samples");
  const [form, list, status, more] = ["#filter", "#list", "#found", "#more"].map((name) => main.querySelector(name));
  if (!about || !about.n) return;
  const own = Array.from(list.querySelectorAll("article"));
  const words = own.map(() => null);
  const boxes = Array.from(form.querySelectorAll("[name=show]"));
  const search = form.querySelector("[name=q]");
  const loaded = new Map();
  let letters = about.index;
  let from = 0;
  let wanted = own.length;
  let turn = 0;

  const pieceOf = (at) => about.starts.findLastIndex((start) => start <= at);
  const piece = async (place) => {
    if (!loaded.has(place)) loaded.set(place, await lsm.piece(`${about.piece}${place + 1}.js`));
    return loaded.get(place);
  };
  const text = (thing) => (Array.isArray(thing) ? thing.map(text).join("\n") : typeof thing === "string" ? thing : "");
  // What a record says, and no words or numbers of ours, wherever the sample stands.
  const searched = (s) => (s.w ??= text([s.id, s.c, s.p, (s.ch || []).map((one) => one[0]), s.a, s.th, s.r, s.q, s.xd, s.m, s.j].filter(Boolean)).toLowerCase());
  const SAID = "bdi, pre, td.text, dt, dd, .judged li";
  const searchedOwn = (at) => (words[at] ??= Array.from(own[at].querySelectorAll(SAID), (one) => one.textContent).join("\n").toLowerCase());

  // One sample, as the template has it.
  const pre = (content, kind) => {
    const long = content.length > 1200 || content.split("\n").length > 16;
    return el("pre", { class: kind || null, dir: "auto", tabindex: long ? "0" : null }, content);
  };
  const tag = (kind, content) => el("span", { class: `tag ${kind}` }, content);
  const pairs = (lines) => el("dl", null, ...lines.flatMap(([name, thing]) => [el("dt", null, name), el("dd", { dir: "auto" }, thing)]));
  const scores = (lines, kind) => el("ul", { class: `scores${kind || ""}` }, ...lines.map(([name, score]) => el("li", null, name, " ", el("b", null, score))));
  const heading = (content, ...rest) => el("h3", null, content, ...rest);
  const choices = (lines) => {
    const head = [["", t("Mark")], ["", t("Choice")], ["num", t("Share")], ["num", t("Log-prob.")], ["num wide", t("per token")], ["num wide", t("Tokens")], ["wide", t("Greedy")]];
    const row = ([content, marks, logprob, perToken, share, tokens]) => el(
      "tr", { class: `${marks & 1 ? "right" : ""}${marks & 2 ? " picked" : ""}` },
      el("td", null, marks & 1 ? "✓" : null, marks & 1 ? el("span", { class: "unseen" }, t("right")) : null,
        marks & 2 ? "●" : null, marks & 2 ? el("span", { class: "unseen" }, t("picked")) : null),
      el("td", { class: "text", dir: "auto" }, content), el("td", { class: "num" }, share), el("td", { class: "num" }, logprob),
      el("td", { class: "num wide" }, perToken), el("td", { class: "num wide" }, tokens), el("td", { class: "wide" }, marks & 4 ? t("yes") : ""),
    );
    return el("table", { class: "choices" },
      el("thead", null, el("tr", null, ...head.map(([kind, name]) => el("th", { scope: "col", class: kind }, name)))),
      el("tbody", null, ...lines.map(row)));
  };
  const texts = (s) => [
    about.folded && s.c !== undefined ? el("p", { class: "sub" }, t("cluster"), " ", el("bdi", null, s.c)) : null,
    heading(t("Prompt")), pre(s.p),
    ...(s.ch ? [heading(t("Choices")), choices(s.ch)] : []),
    s.th !== undefined ? el("details", { class: "thoughts" }, el("summary", null, t("Thoughts, not scored")), pre(s.th)) : null,
    ...(s.a !== undefined ? [heading(t("Answer"), s.f !== undefined ? el("span", { class: "sub" }, " ", t("ended by:"), " ", s.f) : null), pre(s.a, "completion")] : []),
    s.l ? el("p", null, s.l) : null,
    ...(s.r ? [heading(t("Target")), ...s.r.map((one) => pre(one))] : []),
    s.more ? el("p", { class: "sub" }, t("{n} more are not shown", { n: s.more })) : null,
    ...(s.q ? [heading(t("Other requests of this sample")), pairs(s.q)] : []),
    ...(s.xd !== undefined ? [heading(t("Failure")), pre(s.xd)] : []),
    s.m ? el("details", null, el("summary", null, t("Metadata")), pairs(s.m)) : null,
    s.sh ? el("p", { class: "sub" }, t("This sample is very long: less of it is shown than of others.")) : null,
  ];
  const article = (s, at) => {
    const flags = s.fl || 0;
    const marks = [
      flags & 1 ? tag("bad", t("wrong")) : null,
      s.x !== undefined ? tag("bad", t("failed: {why}", { why: s.x })) : null,
      s.cut ? tag("warn", tn(s.cut, t("{n} token cut"), t("{n} tokens cut"))) : null,
      flags & 8 ? tag("warn", t("disagrees")) : null,
      flags & 16 ? tag("warn", t("slow")) : null,
      s.c !== undefined && !about.folded ? el("span", { class: "sub" }, t("cluster"), " ", el("bdi", null, s.c)) : null,
    ].filter(Boolean);
    const lines = [...(s.s || [])];
    if (s.o) lines.push([t("right among the others:"), `${s.o[0]}/${s.o[1]}`]);
    if (s.t !== undefined) lines.push([t("seconds"), s.t]);
    return el("article", { class: "card sample", id: `s${at}` },
      el("h2", null, el("span", { class: "index" }, `#${s.n || 0}`), " ", el("bdi", null, s.id), ...marks.flatMap((one) => [" ", one])),
      lines.length ? scores(lines) : null,
      s.j ? scores(s.j, " judged") : null,
      ...(about.folded
        ? [el("details", { class: "folded" },
          el("summary", null, t("Show texts"), ...(about.redacted ? [] : [" ", tag("warn", t("may be harmful or offensive"))])), ...texts(s))]
        : texts(s)));
  };

  // What is asked for.
  const asked = () => ({
    flags: boxes.filter((box) => box.checked).reduce((sum, box) => sum | BITS[box.value], 0),
    query: search.value.trim().toLowerCase(),
  });
  const show = async () => {
    const mine = (turn += 1);
    const { flags, query } = asked();
    if (flags && letters === null) letters = (await lsm.piece(about.indexed)).join("");
    const found = [];
    const later = [];
    let loads = 0;
    let at = from;
    for (; at < about.n && found.length < wanted; at += 1) {
      if (flags && (LETTERS.indexOf(letters[at]) & flags) !== flags) continue;
      if (at < own.length) {
        if (query && !searchedOwn(at).includes(query)) continue;
      } else {
        const place = pieceOf(at);
        if (!loaded.has(place)) {
          if (loads === LOADS) break;
          loads += 1;
          if (query) status.textContent = t("Searched {n} of {total} samples …", { n: at.toLocaleString("en"), total: about.n.toLocaleString("en") });
          await piece(place);
          if (mine !== turn) return;
        }
        const s = loaded.get(place)[at - about.starts[place]];
        if (query && !searched(s).includes(query)) continue;
        later.push(article(s, at));
      }
      found.push(at);
    }
    if (mine !== turn) return;
    const kept = new Set(found);
    own.forEach((one, place) => { one.hidden = !kept.has(place); });
    list.replaceChildren(...own, ...later);
    const rest = at < about.n;
    more.hidden = !rest;
    const narrowed = flags || query || from;
    status.textContent = !narrowed && !rest ? ""
      : from && !flags && !query && found.length
        ? t("Samples {first} to {last} of {total} are shown.", { first: (from + 1).toLocaleString("en"), last: at.toLocaleString("en"), total: about.n.toLocaleString("en") })
      : rest ? t("{n} samples are shown, of the first {at} of {total}.", { n: found.length.toLocaleString("en"), at: at.toLocaleString("en"), total: about.n.toLocaleString("en") })
        : found.length ? tn(found.length, t("{n} sample matches."), t("{n} samples match.")) : t("No sample matches.");
  };
  const failed = () => { status.textContent = t("A part of the samples cannot be loaded: is the folder of this page whole?"); };
  const begin = (count) => {
    wanted = count;
    show().catch(failed);
  };
  const ask = () => {
    from = 0;
    const { flags, query } = asked();
    lsm.set({ show: boxes.filter((box) => box.checked).map((box) => box.value).join(",") || null, q: search.value.trim() || null });
    begin(flags || query ? BATCH : Math.max(own.length, 1));
  };
  const go = () => {
    const place = /^#s(\d+)$/.exec(location.hash);
    const at = place ? Number(place[1]) : -1;
    if (at < own.length || at >= about.n) return false;
    from = about.starts[pieceOf(at)];
    wanted = Math.max(BATCH, at - from + 1);
    show().then(() => document.getElementById(`s${at}`)?.scrollIntoView()).catch(failed);
    return true;
  };

  for (const box of boxes) {
    box.checked = !box.disabled && (lsm.get("show") || "").split(",").includes(box.value);
    box.addEventListener("change", ask);
  }
  search.value = lsm.get("q") || "";
  let pause = 0;
  search.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(ask, 200);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  form.querySelector("#all").addEventListener("click", () => {
    for (const box of boxes) box.checked = false;
    search.value = "";
    ask();
  });
  more.addEventListener("click", () => begin(wanted + BATCH));
  addEventListener("hashchange", go);
  lsm.onLanguage(() => { show().catch(failed); });
  form.hidden = false;
  const { flags, query } = asked();
  if (!go() && (flags || query || about.starts.length)) begin(flags || query ? BATCH : own.length);
});
