/* What the clip is like: model, length, size, rate, format and seed; and the one primary action. Its value is an Output. */
(() => {
  const { h, icon, memory } = Stir;
  const SIZES = [["auto", "Auto"], ["360p", "360p"], ["480p", "480p"], ["720p", "720p"], ["1080p", "1080p"], ["1440p", "1440p"], ["2160p", "4K"]];
  const RATES = [16, 24, 25, 30, 50, 60];
  const FORMATS = [["mp4", "MP4"], ["webm", "WebM"], ["gif", "GIF"], ["webp", "WebP"]];
  const field = (label, control) => h("label", { class: "field" }, h("span", {}, label), control);

  Stir.parts.output = ({ element, props, trigger }) => {
    const root = element.firstElementChild;
    let value = { ...props.value, ...memory.get("output", {}) };
    if (!props.cards.some((card) => card.id === value.model)) value.model = props.cards[0].id;
    let following = null;
    const card = () => props.cards.find((one) => one.id === value.model);

    const note = Stir.note();
    const seconds = Stir.slider("Length in seconds", { min: 1, max: 10, step: 0.5, id: "seconds" }, (next) => ((length.textContent = next + " s"), set({ seconds: next }, false)));
    const length = h("output", {});
    const size = Stir.menu("Size", SIZES, "auto", (next) => set({ size: next }), { id: "size" });
    const rate = Stir.menu("Frames a second", RATES.map((one) => [one, one + " fps"]), "24", (next) => set({ fps: Number(next) }), { id: "fps" });
    const format = Stir.menu("Format", FORMATS, "mp4", (next) => set({ format: next }), { id: "format" });
    const seed = h("input", { type: "number", min: 0, max: 4294967295, step: 1, id: "seed", "aria-label": "Seed", onchange: () => set({ seed: Math.min(4294967295, Math.max(0, Math.round(Number(seed.value)) || 0)) }) });
    const dice = h("button", { type: "button", class: "ghost tiny", "aria-label": "Another seed", title: "Another seed", onclick: () => set({ seed: Math.floor(Math.random() * 4294967296) }) }, icon("dice"));
    const models = h("div", { class: "models", role: "group", "aria-label": "Model" });
    const reasons = h("dl", { class: "reasons" });
    const whyFold = Stir.fold("Why these?", reasons);
    whyFold.id = "why";
    const animate = h("button", { type: "button", class: "primary", id: "animate", onclick: () => go() }, h("span", {}, "Animate"), h("kbd", {}, /Mac/.test(navigator.platform) ? "⌘ ⏎" : "Ctrl ⏎"));
    const stop = h("button", { type: "button", class: "solid", id: "stop", hidden: true, onclick: () => Stir.emit("stop") }, h("span", {}, "Stop"), h("kbd", {}, "Esc"));

    const more = Stir.fold("Seed", h("div", { class: "fold-body" }, h("div", { class: "row" }, field("Seed", h("span", { class: "joined" }, seed, dice)), h("p", { class: "why" }, "The same seed and settings make the same clip, frame for frame."))));
    root.append(
      models,
      h("div", { class: "fields" }, h("label", { class: "field wide" }, h("span", {}, "Length"), h("span", { class: "joined" }, seconds, length)), field("Size", size), field("Rate", rate), field("Format", format)),
      more, whyFold, note.node, h("div", { class: "actions" }, animate, stop),
    );

    function set(change, redraw = true) {
      value = { ...value, ...change };
      props.value = value;
      memory.set("output", value);
      note.clear();
      Stir.tell("output", value);
      if (redraw) paint();
    }
    function paint() {
      const { fps, seconds: range } = card();
      seconds.min = range[0];
      seconds.max = range[1];
      seconds.paint(value.seconds);
      length.textContent = value.seconds + " s";
      size.value = SIZES.some(([key]) => key === value.size) ? value.size : addTo(size, value.size);
      rate.value = RATES.includes(value.fps) ? value.fps : addTo(rate, value.fps, value.fps + " fps");
      for (const one of rate.options) one.disabled = one.value < fps[0] || one.value > fps[1];
      format.value = value.format;
      seed.value = value.seed;
      Stir.redraw(models, () => models.replaceChildren(...props.cards.map(model)));
    }
    function addTo(menu, key, label = key) {
      if (![...menu.options].some((one) => one.value === String(key))) menu.append(h("option", { value: key }, label));
      return key;
    }
    function model(one) {
      const chips = [one.where, one.speed, one.licence.split(",")[0]].map((text) => h("span", { class: "fact" }, text));
      return h("button", { type: "button", class: "model", "aria-pressed": String(one.id === value.model), onclick: () => set({ model: one.id }) }, h("span", { class: "model-top" }, h("strong", {}, one.title), chips), h("span", { class: "model-line" }, one.summary));
    }
    function go() {
      note.clear();
      Stir.emit("sent");
      trigger("animate");
    }
    const askWhy = Stir.later(() => whyFold.open && trigger("why"), 250);
    whyFold.addEventListener("toggle", () => {
      if (!whyFold.open) return;
      if (!reasons.children.length) reasons.replaceChildren(h("dd", {}, "Looking…"));
      askWhy();
    });
    for (const topic of ["frame", "camera", "effects", "output"]) Stir.on(topic, askWhy);
    Stir.on("reasons", ({ choices, refusal }) => {
      const rows = choices.flatMap((one) => [h("dt", {}, one.what, h("span", {}, one.value)), h("dd", {}, one.reason)]);
      reasons.replaceChildren(...(refusal ? [h("dd", {}, refusal.reason + " " + refusal.remedy)] : rows));
    });
    Stir.on("animate", go);
    Stir.on("platform", (place) => set({ size: place.size, fps: place.fps, seconds: Math.min(value.seconds, place.max_seconds) }));
    Stir.on("shot", ({ model: id, size: big, seconds: long, fps, seed: number, format: kind }) => set({ model: id, size: big, seconds: long, fps, seed: number, format: kind }));
    Stir.on("refusal", (refusal) => ["output", "camera"].includes(refusal.where) && note.show(refusal));
    Stir.on("following", (job) => {
      following = job;
      stop.hidden = !following;
    });
    set({});
  };

  /* The words, for models that read them; every clip keeps them, and the library finds it by them. */
  Stir.parts.words = ({ element, props }) => {
    const root = element.firstElementChild;
    const words = h("textarea", { rows: 3, id: "prompt", maxlength: 4000, "aria-label": "Words", placeholder: "Slow morning light, the grass barely moves", oninput: () => say() });
    const truth = h("p", { class: "why" });
    const fold = Stir.fold("In words", h("div", { class: "fold-body" }, words, truth));
    root.append(fold);
    function say() {
      props.value = { prompt: words.value };
      memory.set("words", words.value);
    }
    function set(text) {
      words.value = text;
      fold.open = Boolean(text);
      say();
    }
    Stir.on("output", ({ model }) => {
      const card = props.cards.find((one) => one.id === model);
      truth.textContent = card.supports.includes("prompt") ? "The model reads these words." : `${card.title} does not read words: the camera and the effects say what moves. The words are kept with the clip, and the library finds it by them.`;
    });
    Stir.on("shot", (shot) => set(shot.motion.prompt));
    set(memory.get("words", ""));
  };

  /* A silent part: it hands the reasons it is given to whoever shows them. */
  Stir.parts.reasons = ({ props, watch }) => watch("value", () => props.value && Stir.emit("reasons", props.value));
})();
