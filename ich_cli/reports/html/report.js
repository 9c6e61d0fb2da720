"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const list = $("#list"), body = $("tbody", list), rows = $$("tr", body), filters = $("#filters");
  const DISCLAIMER = $(".disclaimer").textContent;
  const COLOURS = [null, [255, 107, 125], [122, 168, 255], [232, 207, 79], [79, 213, 230], [107, 213, 138], [195, 202, 209], [255, 150, 40]];
  const EDGE_ALPHA = 0.95, FILL_ALPHA = 0.22;

  // ---- worklist ------------------------------------------------------------------------
  const filled = (value) => value !== "" && value !== undefined;
  const asNumber = (row, key) => (filled(row.dataset[key]) ? Number(row.dataset[key]) : null);
  const column = new Map($$("th", list).map((th, k) => [th.dataset.key, k]));
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const NUMERIC = new Set(["rank", "any", "ml", "slices"]);

  function sortValue(row, key) {
    if (key === "slices") { const text = row.cells[column.get(key)].textContent; return text ? Number(text) : null; }
    if (NUMERIC.has(key)) return asNumber(row, key);
    return row.cells[column.get(key)].textContent.trim().toLowerCase() || null;
  }

  function sortBy(key, direction) {
    const values = new Map(rows.map((row) => [row, sortValue(row, key)]));
    const sign = direction === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      const x = values.get(a), y = values.get(b);
      if (x === y) return a.dataset.rank - b.dataset.rank;
      if (x === null) return 1; // unknown stays last, whichever way
      if (y === null) return -1;
      return sign * (NUMERIC.has(key) ? x - y : x < y ? -1 : 1);
    });
    body.append(...rows);
    for (const th of $$("th", list)) {
      if (th.dataset.key === key) th.setAttribute("aria-sort", direction); else th.removeAttribute("aria-sort");
    }
  }

  list.tHead.addEventListener("click", (event) => {
    const th = event.target.closest("th");
    if (!th) return;
    const first = th.dataset.key === "any" || th.dataset.key === "ml" ? "descending" : "ascending";
    const now = th.getAttribute("aria-sort");
    sortBy(th.dataset.key, now === null ? first : now === "ascending" ? "descending" : "ascending");
  });

  function filter() {
    const want = Object.fromEntries(new FormData(filters));
    const least = want.ml === "" ? null : Number(want.ml), text = want.text.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const d = row.dataset, ml = asNumber(row, "ml");
      row.hidden = !(
        (!want.status || d.status === want.status) &&
        (!want.subtype || d.subtypes.split(" ").includes(want.subtype)) &&
        (!want.side || d.side === want.side) &&
        (!want.tier || d.tier === want.tier) &&
        (least === null || (ml !== null && ml >= least)) &&
        (!text || words.get(row).includes(text))
      );
      shown += !row.hidden;
    }
    $("#shown").textContent = `${shown} of ${rows.length} scans`;
  }
  filters.addEventListener("input", filter);
  filters.addEventListener("reset", () => setTimeout(filter));
  filters.addEventListener("submit", (event) => event.preventDefault());

  const visible = () => rows.filter((row) => !row.hidden);
  let here = null;
  function mark(row, focus = true) {
    if (here) here.classList.remove("here");
    here = row;
    if (!row) return;
    row.classList.add("here");
    if (focus) { $("a", row).focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
  }
  function step(by) {
    const all = visible();
    if (all.length) mark(all[Math.max(0, Math.min(all.length - 1, all.indexOf(here) + by))] || all[0]);
  }
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row && !event.target.closest("a") && !String(getSelection())) location.hash = `#s-${row.dataset.name}`;
  });

  // ---- pictures --------------------------------------------------------------------------
  const loaded = new Map(), waiting = new Map(), KEEP = 4;
  window.ichImages = (name, content) => { const done = waiting.get(name); if (done) done(content); };

  function fetchImages(name) {
    const inside = document.getElementById(`img-${name}`);
    if (inside) return Promise.resolve(JSON.parse(inside.textContent));
    const folder = document.body.dataset.parts;
    if (!folder) return Promise.reject(new Error("no pictures"));
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      waiting.set(name, resolve);
      script.onerror = () => reject(new Error("the pictures beside this page are gone"));
      script.onload = () => script.remove();
      script.src = `${encodeURIComponent(folder)}/${name}.js`;
      document.head.append(script);
    });
  }

  async function pixels(kind, data) {
    const image = new Image();
    image.src = `data:image/${kind};base64,${data}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const grey = new Uint8Array(canvas.width * canvas.height);
    for (let i = 0; i < grey.length; i++) grey[i] = rgba[4 * i];
    return { grey, width: canvas.width, height: canvas.height };
  }

  async function imagesOf(name) {
    if (loaded.has(name)) return loaded.get(name);
    const content = await fetchImages(name);
    waiting.delete(name);
    const slices = await pixels("jpeg", content.slices);
    const labels = content.labels ? await pixels("png", content.labels) : null;
    if (labels) cleanLabels(labels.grey);
    const found = { meta: content.meta, slices, labels };
    loaded.set(name, found);
    if (loaded.size > KEEP) loaded.delete(loaded.keys().next().value);
    return found;
  }

  function cleanLabels(grey) { for (let i = 0; i < grey.length; i++) if (grey[i] >= COLOURS.length) grey[i] = 0; }

  // levels 0…219 are −40…179 HU, 220…255 are 180…1580 HU in steps of 40
  const levelToHu = (level) => (level < 220 ? level - 40 : 180 + (level - 220) * 40);
  function lookup(centre, width) {
    const low = centre - width / 2, table = new Uint8ClampedArray(256);
    for (let level = 0; level < 256; level++) table[level] = ((levelToHu(level) - low) / width) * 255;
    return table;
  }

  /** One rectangle of the sprites as ImageData, windowed, with the labels drawn over it. */
  function paint(images, x0, y0, w, h, table, overlay) {
    const out = new ImageData(w, h), pix = out.data, { slices, labels } = images;
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const at = (y0 + y) * slices.width + x0 + x, to = 4 * (y * w + x), grey = table[slices.grey[at]];
        pix[to] = pix[to + 1] = pix[to + 2] = grey; pix[to + 3] = 255;
        if (!overlay || !labels) continue;
        const label = labels.grey[at];
        if (!label) continue;
        const edge = x === 0 || y === 0 || x === w - 1 || y === h - 1 ||
          labels.grey[at - 1] !== label || labels.grey[at + 1] !== label ||
          labels.grey[at - slices.width] !== label || labels.grey[at + slices.width] !== label;
        const alpha = edge ? EDGE_ALPHA : FILL_ALPHA, colour = COLOURS[label];
        for (let c = 0; c < 3; c++) pix[to + c] = grey * (1 - alpha) + colour[c] * alpha;
      }
    }
    return out;
  }

  // ---- one scan ----------------------------------------------------------------------------
  class Viewer {
    constructor(article, images) {
      this.article = article; this.images = images; this.meta = images ? images.meta : null;
      this.probs = JSON.parse(article.dataset.probs || "[]");
      this.indices = this.meta ? this.meta.indices : this.probs.map((_, k) => k);
      this.total = this.meta ? this.meta.n_slices : this.probs.length;
      this.key = filled(article.dataset.key) ? Number(article.dataset.key) : null;
      this.chart = $(".zchart", article); this.overlay = true;
      this.table = lookup(40, 80);
      this.wire();
      this.go(this.key !== null ? this.nearest(this.key) : Math.floor(this.indices.length / 2));
      this.montage();
    }
    nearest(index) {
      let best = 0;
      this.indices.forEach((value, k) => { if (Math.abs(value - index) < Math.abs(this.indices[best] - index)) best = k; });
      return best;
    }
    wire() {
      const on = (selector, event, act) => $$(selector, this.article).forEach((e) => e.addEventListener(event, act));
      on("[data-slice]", "click", (e) => this.go(this.nearest(Number(e.currentTarget.dataset.slice))));
      if (this.chart) this.chart.addEventListener("click", (e) => {
        const box = this.chart.getBoundingClientRect(), scale = this.chart.viewBox.baseVal.width / box.width;
        const index = Math.round(((e.clientX - box.left) * scale - this.chart.dataset.left) / this.chart.dataset.step);
        this.go(this.nearest(index));
      });
      if (!this.meta) return;
      this.slider = $(".position", this.article); this.slider.max = this.indices.length - 1;
      this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
      this.canvas = $(".slice", this.article);
      this.canvas.width = 2 * this.meta.width; this.canvas.height = 2 * this.meta.height;
      this.canvas.addEventListener("wheel", (e) => { e.preventDefault(); this.move(e.deltaY > 0 ? -1 : 1); }, { passive: false });
      on(".windows button", "click", (e) => this.window(e.currentTarget));
      on(".overlay", "click", () => this.toggle());
      on(".to-key", "click", () => this.toKey());
      $(".to-key", this.article).hidden = this.key === null;
      $(".overlay", this.article).hidden = !this.images.labels;
      $(".montage", this.article).addEventListener("click", (e) => {
        const box = e.target.getBoundingClientRect(), { columns } = this.meta, tall = Math.ceil(this.indices.length / columns);
        const x = Math.floor(((e.clientX - box.left) / box.width) * columns), y = Math.floor(((e.clientY - box.top) / box.height) * tall);
        if (y * columns + x < this.indices.length) this.go(y * columns + x);
      });
      const bar = $(".scale i", this.article);
      const fit = () => { bar.style.width = `${(50 / this.meta.mm_per_pixel / this.meta.width) * this.canvas.clientWidth}px`; };
      fit(); new ResizeObserver(fit).observe(this.canvas);
    }
    move(by) { this.go(this.position + by); }
    toKey() { if (this.key !== null) this.go(this.nearest(this.key)); }
    toggle() {
      this.overlay = !this.overlay;
      $(".overlay", this.article).setAttribute("aria-pressed", String(this.overlay));
      this.draw(); this.montage();
    }
    window(button) {
      $$(".windows button", this.article).forEach((b) => b.setAttribute("aria-pressed", String(b === button)));
      this.table = lookup(Number(button.dataset.centre), Number(button.dataset.width));
      this.draw(); this.montage();
    }
    go(position) {
      if (!this.indices.length) return;
      this.position = Math.max(0, Math.min(this.indices.length - 1, position));
      const index = this.indices[this.position], probs = this.probs[index] || [];
      $$(".now", this.article).forEach((e) => {
        const p = probs[Number(e.dataset.label)];
        e.textContent = p === undefined || p === null ? "" : p < 0.005 ? "<0.01" : p > 0.995 ? ">0.99" : p.toFixed(2);
      });
      if (this.chart) {
        const x = Number(this.chart.dataset.left) + index * Number(this.chart.dataset.step), cursor = $(".cursor", this.chart);
        cursor.setAttribute("x1", x); cursor.setAttribute("x2", x);
      }
      if (!this.meta) return;
      this.slider.value = this.position;
      const text = `Slice ${index + 1} of ${this.total}${index === this.key ? ", key slice" : ""}`;
      this.slider.setAttribute("aria-valuetext", text);
      $(".where", this.article).textContent = text;
      this.canvas.setAttribute("aria-label", text);
      this.draw();
    }
    draw() {
      const { columns, width, height } = this.meta, k = this.position;
      const tile = paint(this.images, (k % columns) * width, Math.floor(k / columns) * height, width, height, this.table, this.overlay);
      const small = new OffscreenCanvas(width, height); small.getContext("2d").putImageData(tile, 0, 0);
      const context = this.canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
      stamp(context, this.canvas.width, this.canvas.height);
    }
    montage() {
      if (!this.meta) return;
      const { columns, width, height } = this.meta, tall = Math.ceil(this.indices.length / columns);
      const canvas = $(".montage", this.article), scale = Math.min(1, 1080 / (columns * width));
      const whole = paint(this.images, 0, 0, columns * width, tall * height, this.table, this.overlay);
      const sheet = new OffscreenCanvas(whole.width, whole.height); sheet.getContext("2d").putImageData(whole, 0, 0);
      canvas.width = Math.round(whole.width * scale); canvas.height = Math.round(whole.height * scale);
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(sheet, 0, 0, canvas.width, canvas.height);
      stamp(context, canvas.width, canvas.height);
    }
  }

  function stamp(context, width, height) {
    const size = Math.max(9, width / 36);
    context.font = `${size}px system-ui, sans-serif`; context.textAlign = "center"; context.lineWidth = 3;
    context.strokeStyle = "rgba(0,0,0,.8)"; context.strokeText(DISCLAIMER, width / 2, height - 6);
    context.fillStyle = "#ff9d94"; context.fillText(DISCLAIMER, width / 2, height - 6);
  }

  let viewer = null, opened = null;
  async function open(name) {
    // a page is kept as text until it is opened: hundreds of them need not be parsed at the start
    const source = document.getElementById(`t-${name}`), page = $("#scan");
    if (!source) return show("worklist");
    const template = document.createElement("template");
    template.innerHTML = source.textContent;
    opened = name; viewer = null;
    page.replaceChildren(template.content);
    const article = $("article", page), all = visible(), at = all.findIndex((row) => row.dataset.name === name);
    mark(all[at] || rows.find((row) => row.dataset.name === name), false);
    for (const [css, row] of [[".previous", all[at - 1]], [".next", all[at + 1]]]) {
      const link = $(css, article);
      if (row) link.href = `#s-${row.dataset.name}`; else link.hidden = true;
    }
    show("scan");
    $("h1", article).focus({ preventScroll: true });
    let images = null;
    if ($(".slice", article)) {
      try { images = await imagesOf(name); } catch (error) {
        const note = document.createElement("p");
        note.className = "notice"; note.textContent = `Pictures cannot be shown: ${error.message}.`;
        $(".viewer", article).replaceChildren(note);
      }
    }
    if (opened === name) { viewer = new Viewer(article, images); article.dataset.ready = "yes"; }
  }

  // ---- pages ---------------------------------------------------------------------------------
  function show(id) {
    scrollTo(0, 0);
    for (const page of $$("main.page")) page.hidden = page.id !== id;
    for (const link of $$(".bar nav a")) {
      if (link.hash === `#${id}` || (id === "scan" && link.hash === "#worklist")) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
  function route() {
    const target = decodeURIComponent(location.hash.slice(1));
    if (target.startsWith("s-")) return open(target.slice(2));
    const fromScan = opened; opened = null; viewer = null;
    show(["evaluation", "run"].includes(target) && document.getElementById(target) ? target : "worklist");
    if (fromScan && here && !$("#worklist").hidden) mark(here);
  }
  // At once, where setting the hash would route later: what has the focus next is there by then.
  function toWorklist() { history.pushState(null, "", "#worklist"); route(); }
  addEventListener("hashchange", route);

  const themeButton = $("#theme");
  function theme(dark) {
    document.documentElement.classList.toggle("dark", dark);
    themeButton.setAttribute("aria-pressed", String(dark));
  }
  themeButton.addEventListener("click", () => theme(!document.documentElement.classList.contains("dark")));
  theme(matchMedia("(prefers-color-scheme: dark)").matches);
  const helpButton = $("#help-button");
  helpButton.addEventListener("click", () => {
    const help = $("#help"); help.hidden = !help.hidden;
    helpButton.setAttribute("aria-expanded", String(!help.hidden));
  });

  // What was printed must say of which scan and by which network it is.
  addEventListener("beforeprint", () => $$("details").forEach((one) => { one.open = true; }));

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target instanceof Element && event.target.matches("input:not([type=range]), select, textarea");
    if (event.key === "Escape") { if (typing) event.target.blur(); else toWorklist(); return; }
    if (typing) return;
    const inScan = opened !== null, act = {
      d: () => theme(!document.documentElement.classList.contains("dark")),
      "/": () => { toWorklist(); filters.elements.text.focus(); },
    };
    if (inScan && viewer) Object.assign(act, {
      ArrowUp: () => viewer.move(1), ArrowDown: () => viewer.move(-1),
      PageUp: () => viewer.move(5), PageDown: () => viewer.move(-5),
      Home: () => viewer.go(0), End: () => viewer.go(viewer.indices.length - 1),
      g: () => viewer.toKey(), o: () => viewer.meta && viewer.images.labels && viewer.toggle(),
    });
    if (inScan) Object.assign(act, {
      j: () => $(".next", $("#scan")).click(), k: () => $(".previous", $("#scan")).click(),
    });
    if (inScan && viewer && viewer.meta && "1234".includes(event.key)) {
      act[event.key] = () => viewer.window($$(".windows button", viewer.article)[Number(event.key) - 1]);
    }
    if (!$("#worklist").hidden) Object.assign(act, {
      ArrowDown: () => step(1), ArrowUp: () => step(-1), j: () => step(1), k: () => step(-1),
    });
    if (Object.hasOwn(act, event.key)) { event.preventDefault(); act[event.key](); }
  });
  route();
})();
