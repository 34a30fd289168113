// Compares two models: differences with paired intervals and p, as lsm_eval.statistics.comparison makes them, from scores that load on demand.
lsm.page("compare", (main) => {
  "use strict";
  const { t, tn, el } = lsm;
  const LEVEL = 0.95;
  const MANY = 20; // samples shown at once

  // Special functions.
  // Stirling's series, exact for large x; smaller ones are moved up.
  const lgamma = (x) => {
    let down = 1;
    for (; x < 15; x += 1) down *= x;
    const r = 1 / (x * x);
    const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * 691 / 360360))))) / x;
    return (x - 0.5) * Math.log(x) - x + 0.9189385332046727418 + series - Math.log(down);
  };
  // Regularised incomplete beta function, by its continued fraction (modified Lentz).
  const fraction = (a, b, x) => {
    const tiny = 1e-300;
    let c = 1;
    let d = 1 - ((a + b) * x) / (a + 1);
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    let h = d;
    for (let m = 1; m < 10000; m += 1) {
      for (const step of [(m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)), (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))]) {
        d = 1 + step * d;
        d = 1 / (Math.abs(d) < tiny ? tiny : d);
        c = 1 + step / c;
        if (Math.abs(c) < tiny) c = tiny;
        h *= c * d;
        if (step && Math.abs(c * d - 1) < 1e-16) return h;
      }
      if (Math.abs(c * d - 1) < 4e-16) return h;
    }
    return h;
  };
  const beta = (a, b, x, y = 1 - x) => {
    if (x <= 0) return 0;
    if (y <= 0) return 1;
    const front = Math.exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * Math.log(x) + b * Math.log(y));
    return x < (a + 1) / (a + b + 2) ? (front * fraction(a, b, x)) / a : 1 - (front * fraction(b, a, y)) / b;
  };
  // P(Z > z), by the series of the error function, or its continued fraction.
  const normal = (z) => {
    if (z < 0) return 1 - normal(-z);
    const x = z / Math.SQRT2;
    const square = x * x;
    if (x < 2) {
      let term = x;
      let sum = x;
      for (let n = 1; n < 200 && Math.abs(term) > 1e-18 * sum; n += 1) {
        term *= -square / n;
        sum += term / (2 * n + 1);
      }
      return (1 - (2 / Math.sqrt(Math.PI)) * sum) / 2;
    }
    if (x > 27) return 0;
    let rest = 0;
    for (let n = 120; n > 0; n -= 1) rest = n / 2 / (x + rest);
    return Math.exp(-square) / Math.sqrt(Math.PI) / (x + rest) / 2;
  };
  const student = (z, freedom) => {
    if (freedom === Infinity || !Number.isFinite(z)) return Number.isFinite(z) ? normal(z) : z > 0 ? 0 : 1;
    const square = z * z;
    const half = beta(freedom / 2, 0.5, freedom / (freedom + square), square / (freedom + square)) / 2;
    return z > 0 ? half : 1 - half;
  };
  const root = (f, low, high) => {
    for (let step = 0; step < 200; step += 1) {
      const middle = (low + high) / 2;
      if (middle <= low || middle >= high) break;
      if (f(middle) > 0) high = middle;
      else low = middle;
    }
    return (low + high) / 2;
  };
  const quantile = (tail, freedom) => {
    let high = 2;
    while (student(high, freedom) > tail) high *= 2;
    return root((z) => tail - student(z, freedom), 0, high);
  };

  // Tango's score with the exact floors (statistics.comparison.score).
  const tango = (trials, gained, lost, margin) => {
    const apart = gained - lost - margin;
    if (apart === 0) return 0;
    const linear = (gained + lost) * (1 - margin) - 2 * margin * (lost + 1 - gained - lost);
    const likeliest = (linear + Math.sqrt(Math.max(0, linear * linear + 8 * lost * margin * (1 - margin)))) / 4;
    const share = Math.min(Math.max(likeliest, 0, -margin), (1 - margin) / 2);
    const variance = 2 * share + margin - margin * margin;
    return variance <= 1e-15 ? Math.sign(apart) * Infinity : apart / Math.sqrt(variance / trials);
  };
  const midP = (gains, losses) => {
    if (gains + losses <= 0) return 0.5;
    return ((losses > 0 ? beta(gains + 1, losses, 0.5) : 0) + (gains > 0 ? beta(gains, losses + 1, 0.5) : 1)) / 2;
  };
  const oneWay = (trials, net, margin) => {
    if (margin > 0) return net > 0 ? beta(net, trials - net + 1, margin, 1 - margin) : 1;
    if (net > 0) return 0;
    return net > -trials ? beta(trials + net, 1 - net, 1 + margin, -margin) : 1;
  };
  const greater = (trials, gained, lost, margin, freedom) => {
    if (margin <= -1) return 0;
    if (margin >= 1) return 1;
    const found = student(tango(trials, gained, lost, margin), freedom);
    if (margin === 0) return Math.max(found, midP(trials * gained, trials * lost));
    return Math.max(found, oneWay(trials, trials * (gained - lost), margin));
  };
  const lowEnd = (trials, gained, lost, freedom, tail) => {
    const beyond = (margin) => greater(trials, gained, lost, margin || 1e-300, freedom) - tail;
    const high = gained - lost;
    if (high <= -1 || beyond(high) <= 0) return high;
    const low = root(beyond, -1, high);
    return low > 0 && greater(trials, gained, lost, 0, freedom) > tail ? 0 : low;
  };
  const scored = (trials, gained, lost, freedom, span) => {
    const tail = (1 - LEVEL) / 2;
    return {
      low: span * lowEnd(trials, gained, lost, freedom, tail),
      high: -span * lowEnd(trials, lost, gained, freedom, tail),
      p: Math.min(1, 2 * Math.min(greater(trials, gained, lost, 0, freedom), greater(trials, lost, gained, 0, freedom))),
    };
  };
  // Student's t, before and after Hall's transformation.
  const unskewed = (z, skew) => (Math.abs(skew) < 1e-9 ? z : ((1 + (skew * z) / 3) ** 3 - 1) / skew + skew / 6);
  const skewed = (z, skew) => (Math.abs(skew) < 1e-9 ? z : (3 / skew) * (Math.cbrt(1 + skew * (z - skew / 6)) - 1));
  const meant = (value, error, freedom, skew) => {
    const side = (sign) => student(Math.min((sign * value) / error, unskewed((sign * value) / error, sign * skew)), freedom);
    const q = quantile((1 - LEVEL) / 2, freedom);
    const end = (sign) => value - sign * Math.max(q, skewed(q, sign * skew)) * error;
    return { low: end(1), high: end(-1), p: Math.min(1, 2 * Math.min(side(1), side(-1))) };
  };

  const total = (values) => values.reduce((sum, one) => sum + one, 0);
  const TOPS = { fraction: 1, points: 100 };
  // Candidate less baseline, over the samples that both answered; of those that stand alone and weigh the same.
  const difference = (first, second, column) => {
    const pairs = [];
    let asked = 0;
    for (let at = 0; at < first.length; at += 1) {
      const has = [first[at] !== null, second[at] !== null];
      if (has[0] && has[1]) pairs.push([first[at], second[at]]);
      if (has[0] || has[1]) asked += 1;
    }
    const n = pairs.length;
    const mean = (at) => total(pairs.map((pair) => pair[at])) / n;
    const apart = pairs.map(([one, two]) => two - one);
    const value = total(apart) / n;
    const found = {
      n, missing: asked - n, differs: apart.filter(Boolean).length, first: n ? mean(0) : null, second: n ? mean(1) : null, value: n ? value : null, low: null, high: null, p: null, method: "none", why: "",
    };
    if (!n) return { ...found, why: t("no sample that both answered") };
    if (column.apart) return { ...found, why: column.apart };
    if (n < 2) return { ...found, why: t("one pair") };
    const all = pairs.flat();
    const [smallest, largest] = [Math.min, Math.max].map((of) => all.reduce((one, two) => of(one, two)));
    let top = TOPS[column.unit];
    let scale = "bounded";
    if (top === undefined || smallest < 0 || largest > top * (1 + 1e-12)) [scale, top] = ["mean", 1];
    else if (top === 1 && all.every((one) => one === 0 || one === 1)) scale = "binary";
    const made = (what, method) => ({
      ...found, method, p: what.p, low: Math.min(what.low, value), high: Math.max(what.high, value),
    });
    const spread = (values) => {
      const middle = total(values) / n;
      const rest = values.map((one) => one - middle);
      const two = total(rest.map((one) => one * one));
      return { two, three: total(rest.map((one) => one ** 3)), variance: two / (1 - 1 / n) / n / n };
    };
    if (scale === "mean") {
      if (n < 10) return { ...found, why: tn(n, t("only {n} pair"), t("only {n} pairs")) };
      if (found.differs >= 10) {
        const own = spread(apart);
        const error = Math.sqrt(own.variance);
        if (error <= 1e-12 * Math.max(Math.abs(value), 1e-300)) return { ...found, why: t("no spread between the pairs' differences") };
        return made(meant(value, error, n - 1, own.three / own.two ** 1.5), "t(paired)");
      }
      top = largest - smallest;
      if (top === 0) return { ...found, why: t("all values are the same") };
    }
    const [gained, lost] = [1, -1].map((sign) => total(apart.map((one) => Math.max((sign * one) / top, 0))) / n);
    if (scale === "binary") return made(scored(n, gained, lost, Infinity, 1), "tango(paired)");
    const most = gained + lost - (gained - lost) ** 2;
    const events = n * most;
    const share = most > 1e-15 ? Math.min((spread(apart.map((one) => one / top)).variance * (n - 1)) / most, 1) : 1;
    const trials = n / ((share * events + 0.5) / (events + 0.5));
    return made(scored(trials, gained, lost, n - 1, top), "tango(effective, paired)");
  };
  const holm = (ps) => {
    const order = ps.map((p, at) => [p, at]).sort((one, two) => one[0] - two[0]);
    const adjusted = [];
    let most = 0;
    order.forEach(([p, at], rank) => {
      most = Math.max(most, p * (ps.length - rank));
      adjusted[at] = Math.min(most, 1);
    });
    return adjusted;
  };

  // Scores (leaderboard/versus/packing.py).
  const unpacked = (content) => {
    const bytes = Uint8Array.from(atob([].concat(content[content.length - 1]).join("")), (one) => one.charCodeAt(0));
    const n = content[0];
    if (content.length === 2) {
      const view = new DataView(bytes.buffer);
      return Array.from({ length: n }, (_, at) => {
        const one = view.getFloat64(8 * at, true);
        return Number.isNaN(one) ? null : one;
      });
    }
    const [, levels, bits] = content;
    const each = 8 / bits;
    const mask = (1 << bits) - 1;
    return Array.from({ length: n }, (_, at) => levels[(bytes[Math.floor(at / each)] >> (bits * (at % each))) & mask]);
  };

  const about = lsm.data(main, "compare");
  const models = new Map(about.models.map((model) => [model.slug, model]));
  const [one, two] = ["a", "b"].map((name) => main.querySelector(`select[name=${name}]`));
  const [result, status, samples] = ["#result", "#status", "#samples"].map((name) => main.querySelector(name));
  // Half a digit goes to the even one, as on every other page: 31.25 is 31.2. A number is half a digit exactly where it is odd in units of 2^-(digits + 1).
  const fixed = (value, digits) => {
    const text = value.toFixed(digits);
    const half = Math.abs(value * 2 ** (digits + 1)) % 2 === 1;
    return half && "13579".includes(text.at(-1)) ? (value - Math.sign(value) * 0.5 * 10 ** -digits).toFixed(digits) : text;
  };
  const plain = (value, unit) => {
    if (value === null) return "–";
    const digits = { fraction: 1, points: 1, perplexity: 2, bits: 3, nats: 3 }[unit];
    const scaled = unit === "fraction" ? 100 * value : value;
    const text = digits === undefined ? String(Number(scaled.toPrecision(4))) : fixed(scaled, digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  };
  const shown = (value, unit) => (value === null ? "–" : `${plain(value, unit)}${unit === "fraction" ? "%" : ""}`);
  const signed = (value, unit) => (value === null ? "–" : `${value > 0 ? "+" : ""}${plain(value, unit)}`);
  const small = (p) => (p === null ? "–" : p < 0.001 ? "<0.001" : fixed(p, 3));
  const VERDICTS = {
    better: () => t("better"), worse: () => t("worse"), different: () => t("different"), same: () => t("the same answers"),
    open: () => t("not told apart"), none: () => t("no test"), apart: () => t("not compared"),
  };
  const said = (row) => {
    if (row.refused) return "apart";
    if (row.n && !row.differs) return "same";
    if (row.p === null) return "none";
    if (row.adjusted >= 1 - LEVEL || !row.value) return "open";
    if (row.column.higher === null) return "different";
    return row.value > 0 === row.column.higher ? "better" : "worse";
  };
  const reasons = {
    clusters: () => t("samples hang together in clusters: the command below makes the interval"),
    weights: () => t("samples weigh unlike: the command below makes the interval"),
    "no mean": () => t("the metric is no mean of samples: the command below makes the interval"),
  };

  const compared = (first, second) => {
    const theirs = new Map(second.map((entry) => [entry[0], entry]));
    const rows = [];
    for (const [place, value, mark, content] of first) {
      const other = theirs.get(place);
      if (!other) continue;
      const column = about.columns[place];
      const row = { column, place, n: 0, differs: 0, missing: 0, first: value, second: other[1], value: null, low: null, high: null, p: null, why: "", method: "none" };
      if (mark !== other[2]) rows.push({ ...row, refused: true, why: t("their signatures differ") });
      else if (!Array.isArray(content) || !Array.isArray(other[3])) rows.push({ ...row, refused: true, why: t("there are no scores of samples: {why}", { why: Array.isArray(content) ? other[3] : content }) });
      else {
        const vectors = [unpacked(content), unpacked(other[3])];
        const found = difference(vectors[0], vectors[1], column);
        // Scores alone do not make these numbers. Of samples that weigh unlike, the records' are of the same ones where none is missing.
        const wholes = { "no mean": true, weights: !found.missing }[column.apart];
        if (wholes !== undefined) Object.assign(found, { first: value, second: other[1], value: wholes && found.n ? other[1] - value : null });
        rows.push({ ...row, ...found, vectors });
      }
    }
    const tested = rows.filter((row) => row.p !== null);
    holm(tested.map((row) => row.p)).forEach((p, at) => { tested[at].adjusted = p; });
    // A profile's numbers stand below those of the tasks.
    return rows.sort((x, y) => (x.column.area === "speed") - (y.column.area === "speed"));
  };

  const bar = (row, scale) => {
    const part = (kind, from, to = from) => {
      const made = el("i", { class: kind });
      made.style.left = `${50 + (50 * from) / scale}%`;
      made.style.width = `${(50 * (to - from)) / scale}%`;
      return made;
    };
    return el("span", { class: "strip", "aria-hidden": "true" }, part("zero", 0), row.low === null ? null : part("range", row.low, row.high), part("point", row.value));
  };
  const line = (row, names, scales, rows) => {
    const { column } = row;
    const { differs } = row;
    const verdict = said(row);
    const why = row.why ? el("span", { class: "sub" }, (reasons[row.why] || (() => row.why))()) : null;
    const open = row.vectors && differs
      ? el("button", { type: "button", click: () => { lsm.set({ t: `${column.task}:${column.metric}`, n: null }); disagree(rows, names); samples.querySelector("h2")?.focus(); } }, tn(differs, t("{n} sample differs"), t("{n} samples differ")))
      : el("span", { class: "sub" }, row.vectors ? t("no sample differs") : "");
    return el("tr", { "data-column": `${column.task}:${column.metric}`, ...Object.fromEntries(["value", "low", "high", "p", "adjusted", "n", "method"].map((name) => [`data-${name}`, row[name]])) },
      el("th", { scope: "row" }, el("span", { title: column.title }, ...column.task.split(/(?<=[_/:@-])/).flatMap((part, at) => (at ? [el("wbr"), part] : [part]))), el("span", { class: "metric" }, column.metric, column.higher === null ? "" : el("span", { class: "way", "aria-hidden": "true" }, column.higher ? " ↑" : " ↓"))),
      el("td", { class: "num" }, shown(row.first, column.unit)),
      el("td", { class: "num" }, shown(row.second, column.unit)),
      el("td", { class: "num" }, el("b", null, signed(row.value, column.unit)), el("span", { class: "ci" }, row.low === null ? (row.refused ? "" : t("no interval")) : `[${plain(row.low, column.unit)}, ${plain(row.high, column.unit)}]`)),
      el("td", { class: "draw" }, row.value === null ? "" : bar(row, scales[column.unit])),
      el("td", { class: "num" }, small(row.adjusted ?? null)),
      el("td", { class: `verdict ${verdict}` }, VERDICTS[verdict](), why),
      el("td", { class: "num" }, String(row.n || "–"), row.missing ? el("span", { class: "ci warn" }, tn(row.missing, t("{n} in one only"), t("{n} in one only"))) : null),
      el("td", null, open));
  };

  const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const head = (...names) => el("thead", null, el("tr", null, ...names.map(([kind, text, ...rest]) => el("th", { scope: "col", class: kind || null }, text, ...rest))));
  let shownFor = 0;
  const show = async () => {
    const turn = (shownFor += 1);
    const [a, b] = [one.value, two.value].map((slug) => models.get(slug));
    result.replaceChildren();
    samples.replaceChildren();
    if (!a || !b || a === b) {
      status.textContent = a && a === b ? t("Choose two different models.") : t("Choose two models.");
      return;
    }
    status.textContent = t("Loading …");
    let both;
    try {
      both = await Promise.all([a, b].map((model) => lsm.piece(`${about.folder}/${model.slug}.js`)));
    } catch (error) {
      if (turn === shownFor) status.textContent = t("{file} cannot be loaded: it belongs beside this page.", { file: error.message });
      return;
    }
    if (turn !== shownFor) return;
    const rows = compared(both[0], both[1]);
    const tested = rows.filter((row) => row.p !== null).length;
    const count = (verdict) => rows.filter((row) => said(row) === verdict).length;
    status.textContent = rows.length
      ? t("{b} against {a}: better in {better}, worse in {worse}, of {tested} numbers that were tested together.", { a: a.name, b: b.name, better: count("better"), worse: count("worse"), tested })
      : t("The two have no number in common.");
    const scales = {};
    for (const row of rows) scales[row.column.unit] = Math.max(scales[row.column.unit] || 1e-12, ...[row.value, row.low, row.high].map((end) => Math.abs(end ?? 0)));
    const names = [a, b];
    if (rows.length) {
      result.append(
        el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("Differences") },
          el("table", { class: "versus" },
            el("caption", null, t("Second less first, over the samples that both answered, with intervals of 95 %; p is Holm's over all rows.")),
            head(["", t("Task and metric")], ["num", a.name], ["num", b.name], ["num", t("Difference")], ["draw", el("span", { class: "unseen" }, t("Drawn"))], ["num", "p"], ["", t("Second is")], ["num", "n"], ["", t("Samples")]),
            el("tbody", null, ...rows.map((row) => line(row, names, scales, rows))))),
        el("p", { class: "hint" }, t("The same from the records, with every metric and method:"), " ", el("code", null, `lsm-eval compare ${quoted(a.record)} ${quoted(b.record)}`)));
    }
    disagree(rows, names);
  };

  // Samples that the two disagree on, side by side.
  const disagree = async (rows, names) => {
    const wanted = lsm.get("t");
    const row = rows.find((own) => `${own.column.task}:${own.column.metric}` === wanted && own.vectors);
    samples.replaceChildren();
    if (!row) return;
    const { column } = row;
    const turn = shownFor;
    const [first, second] = row.vectors;
    const worse = column.higher === false ? -1 : 1;
    const places = first.map((_, at) => at).filter((at) => first[at] !== null && second[at] !== null && first[at] !== second[at]);
    places.sort((x, y) => worse * ((second[x] - first[x]) - (second[y] - first[y])) || x - y);
    const title = el("h2", { tabindex: "-1" }, t("{task}: samples that they disagree on", { task: column.task }));
    samples.append(title);
    const path = about.answers[column.task];
    let texts = [[], {}, {}];
    if (path) {
      const folder = path.replace(/\.js$/, "");
      texts = await Promise.all([path, ...names.map((model) => `${folder}/${model.slug}.js`)].map((name) => lsm.piece(name).catch(() => null)));
      if (turn !== shownFor || lsm.get("t") !== wanted) return;
    }
    const questions = new Map((texts[0] || []).map((question) => [question[0], question]));
    const folded = about.folded.includes(column.task);
    const page = (model, index) => ((model.pages === 1 || model.pages.includes(column.at)) ? el("a", { href: `samples/${model.slug}/${column.slug}.html${index === undefined ? "" : `#s${index}`}` }, model.name) : model.name);
    const score = (value) => (value === 1 && column.unit === "fraction" ? "1" : String(Number(value.toPrecision(4))));
    const article = (at) => {
      const [, index, id, prompt, target] = questions.get(at) || [];
      const side = (which, value) => {
        const text = texts[1 + which]?.[at];
        return el("div", { class: "side" }, el("h4", null, page(names[which], index), " ", el("span", { class: "tag" }, t("score {score}", { score: score(value) }))),
          text === undefined ? el("p", { class: "sub" }, t("Its answer is on its own page of samples.")) : el("pre", { dir: "auto" }, text));
      };
      const inside = [
        prompt === undefined ? null : el("pre", { dir: "auto" }, prompt),
        target ? el("p", { class: "target" }, el("span", { class: "sub" }, t("Target"), " "), el("bdi", null, target)) : null,
        el("div", { class: "sides" }, side(0, first[at]), side(1, second[at])),
      ].filter(Boolean);
      const heading = el("h3", null, id === undefined ? t("Sample {n}", { n: at + 1 }) : id);
      return el("article", { class: "card sample" }, heading, ...(folded ? [el("details", null, el("summary", null, t("Texts that may be harmful")), ...inside)] : inside));
    };
    const list = el("div", null);
    const more = el("button", { type: "button" }, t("Show more"));
    let upTo = 0;
    const next = () => {
      list.append(...places.slice(upTo, upTo + MANY).map(article));
      upTo += MANY;
      more.hidden = upTo >= places.length;
    };
    more.addEventListener("click", next);
    next();
    if (about.hashes.includes(column.task)) {
      samples.append(el("p", { class: "note" }, t("Texts that a record withholds, or that the licence of the data does not let others be shown, stand as their SHA-256.")));
    }
    samples.append(el("p", { class: "hint" }, tn(places.length, t("{n} sample; what the second model lost comes first."), t("{n} samples; those that the second model lost come first."))), list, more);
  };

  const choose = () => {
    lsm.set({ a: one.value, b: two.value });
    show();
  };
  for (const [select, name] of [[one, "a"], [two, "b"]]) {
    const wanted = lsm.get(name);
    if (wanted && models.has(wanted)) select.value = wanted;
    select.addEventListener("change", choose);
  }
  main.querySelector("#swap").addEventListener("click", () => {
    [one.value, two.value] = [two.value, one.value];
    choose();
  });
  main.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  main.querySelector("#choice").hidden = false;
  main.querySelector("#off").remove();
  lsm.onLanguage(show);
  show();
});
