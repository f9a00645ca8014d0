/* Words and the logo in the Finish room: what is written, in which letters, where, and from when to when. */
(() => {
  const { h, icon } = Stir;
  const KINDS = [["title", "Title"], ["caption", "Caption"], ["date", "Date"], ["place", "Place"]];
  const COLOURS = [["#ffffff", "White"], ["#101113", "Black"], ["#ffd08a", "Sand"], ["#ff8a3c", "Amber"], ["#9fd3c7", "Sea"]];
  const GROUNDS = [["shadow", "Shadow"], ["plate", "Plate"], ["none", "None"]];
  const MOST = 12;
  const today = () => new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" }).format(new Date());

  /* Nine places as they lie in the frame. */
  function spots(label, choose) {
    const { SPOTS, SAID } = Stir.finishSpots;
    const node = h("div", { class: "spot-grid", role: "group", "aria-label": label }, SPOTS.map((name) => h("button", { type: "button", "data-spot": name, "aria-label": SAID[name].replace(/^./, (one) => one.toUpperCase()), title: SAID[name], onclick: () => choose(name) }, h("i"))));
    return { node, paint: (name) => { for (const one of node.children) one.setAttribute("aria-pressed", String(one.dataset.spot === name)); } };
  }

  Stir.finishTitles = (room) => {
    const rows = [];
    const list = h("div", { class: "title-list" });
    const add = h("div", { class: "chips", role: "group", "aria-label": "Add words" }, KINDS.map(([kind, words]) => Stir.button(words, { class: "chip", "data-add": kind, onclick: () => plus(kind) }, "plus")));
    const logo = makeLogo(room);
    const node = h("div", { class: "finish-tool" }, h("section", {}, h("h3", {}, "Words"), add, h("p", { class: "why" }, "Drag them on the picture, or press an arrow key there; they keep clear of what the place draws over the clip."), list), logo.node);

    const put = (next, words) => room.set({ titles: next }, words);
    function plus(kind) {
      if (room.finish.titles.length >= MOST) return;
      const text = { title: room.card.title, caption: "Caption", date: today(), place: "Place" }[kind];
      put([...room.finish.titles, { ...room.given.title, kind, text: text.slice(0, 400) }], "a new " + kind);
      paint();
      const box = rows.at(-1)?.text;
      box?.focus();
      box?.select();
    }
    function row(index) {
      const now = () => room.finish.titles[index];
      const change = (values, words) => put(room.finish.titles.map((one, at) => (at === index ? { ...one, ...values } : one)), `${words} ${index + 1}`);
      const text = h("textarea", { rows: 1, maxlength: 400, "aria-label": `Words ${index + 1}`, class: "title-text", oninput: () => change({ text: text.value }, "words") });
      const kind = Stir.menu("Kind", KINDS, "title", (value) => change({ kind: value }, "the kind of words"), { class: "quiet" });
      const away = h("button", { type: "button", class: "ghost tiny", onclick: () => (put(room.finish.titles.filter((_, at) => at !== index), "words taken away"), (rows[Math.max(0, index - 1)]?.text ?? add.firstChild).focus()) }, icon("close", 12));
      const font = Stir.menu("Letters", room.given.fonts, "sans", (value) => change({ font: value }, "letters"), { class: "quiet" });
      const size = Stir.finishSlider("Size", { min: 0.02, max: 0.3, step: 0.005 }, (value) => Math.round(value * 100) + " %", (value) => change({ size: value }, "size"));
      const colours = h("div", { class: "swatches", role: "group", "aria-label": "Colour" }, COLOURS.map(([value, words]) => h("button", { type: "button", "data-colour": value, "aria-label": words, title: words, style: { "--swatch": value }, onclick: () => change({ colour: value }, "colour") })));
      const own = h("input", { type: "color", "aria-label": "Another colour", title: "Another colour", oninput: () => change({ colour: own.value }, "colour") });
      const ground = Stir.segments("Behind them", GROUNDS, (value) => change({ ground: value }, "what is behind words"));
      const where = spots("Where", (name) => change({ place: name }, "the place of words"));
      const from = Stir.finishNumber("From, s", {}, (value) => change({ start: value }, "the time of words"));
      const to = Stir.finishNumber("To, s", {}, (value) => change({ end: value >= length() ? 0 : value }, "the time of words"));
      const length = () => room.facts?.seconds ?? room.card.seconds;
      const span = h("div", { class: "title-span", "aria-hidden": "true" }, h("i"));
      const node = h("section", { class: "title-row" }, h("div", { class: "title-head" }, text, away), h("div", { class: "title-grid" }, where.node, h("div", { class: "title-set" }, h("div", { class: "row" }, kind, font), size.node, h("div", { class: "row" }, colours, own), ground.node)), h("div", { class: "row title-times" }, from.node, to.node, span));
      text.addEventListener("keydown", (event) => event.key === "Escape" && (event.stopPropagation(), event.preventDefault(), text.blur()));
      return {
        node, text,
        paint() {
          const one = now();
          if (document.activeElement !== text || text.value !== one.text) text.value = one.text;
          text.rows = Math.min(4, one.text.split("\n").length);
          kind.value = one.kind;
          font.value = one.font;
          size.paint(one.size || room.given.sizes[one.kind]);
          for (const each of colours.children) each.setAttribute("aria-pressed", String(each.dataset.colour === one.colour));
          own.value = one.colour;
          ground.paint(one.ground);
          where.paint(one.place || room.given.usual[one.kind]);
          from.paint(one.start);
          to.paint(one.end || length());
          Object.assign(span.firstChild.style, { left: (one.start / length()) * 100 + "%", right: Math.max(0, 1 - (one.end || length()) / length()) * 100 + "%" });
          away.setAttribute("aria-label", `Take away: ${one.text.slice(0, 40)}`);
        },
      };
    }
    function paint() {
      const count = room.finish.titles.length;
      while (rows.length < count) rows.push(row(rows.length)), list.append(rows.at(-1).node);
      while (rows.length > count) rows.pop().node.remove();
      rows.forEach((one) => one.paint());
      add.querySelectorAll("button").forEach((one) => (one.disabled = count >= MOST));
      logo.paint();
    }
    return { node, take: logo.take, paint };
  };

  // Logo ---------------------------------------------------------------------------------------------------------------
  function makeLogo(room) {
    const note = Stir.note();
    const input = h("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", id: "logo-input", accept: "image/*" });
    const choose = Stir.button("Choose an image", { class: "solid", id: "finish-logo", onclick: () => input.click() }, "photo");
    const drop = h("div", { class: "sound-drop" }, choose, h("span", { class: "why" }, "or drop a PNG or WebP here; what is see-through stays so"));
    const put = (change, words) => room.set({ logo: { ...room.finish.logo, ...change } }, words);
    const face = h("img", { class: "logo-face", alt: "" });
    const name = h("span", { class: "attached-name" });
    const away = h("button", { type: "button", class: "ghost tiny", "aria-label": "Remove: logo", onclick: () => (room.set({ logo: null }, "the logo"), choose.focus()) }, icon("close", 12));
    const where = spots("Where the logo stands", (value) => put({ place: value }, "the logo's place"));
    const size = Stir.finishSlider("Size", { min: 0.02, max: 1, step: 0.01, id: "logo-size" }, (value) => Math.round(value * 100) + " %", (value) => put({ size: value }, "the logo's size"));
    const opacity = Stir.finishSlider("Opacity", { id: "logo-opacity" }, (value) => Math.round(value * 100) + " %", (value) => put({ opacity: value }, "the logo's opacity"));
    const more = h("div", { class: "track-more" }, h("div", { class: "row between" }, face, name, away), h("div", { class: "title-grid" }, where.node, h("div", { class: "title-set" }, size.node, opacity.node)));
    const node = h("section", { class: "track", id: "track-logo", "aria-label": "Logo" }, h("h3", {}, "Logo"), drop, more, note.node, input);
    let shown = "";
    const take = Stir.finishFile({ node, input, note, room, kind: "image" }, (attachment) => room.set({ logo: { ...room.given.logo, ...room.finish.logo, attachment } }, "the logo"));
    async function see(one) {
      const answer = await room.server.see_attachment({ id: one.id }).catch(() => null);
      if (answer?.path) face.src = Stir.file(answer.path);
    }
    function paint() {
      const one = room.finish.logo;
      drop.hidden = Boolean(one);
      more.hidden = !one;
      if (!one) return void (shown = "");
      name.textContent = one.attachment.name;
      where.paint(one.place);
      size.paint(one.size);
      opacity.paint(one.opacity);
      if (shown !== one.attachment.id) (shown = one.attachment.id), see(one.attachment);
    }
    return { node, take, paint };
  }
})();
