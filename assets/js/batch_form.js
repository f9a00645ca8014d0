/* What is the same for every photo of a batch: where its motion comes from, where the clips go, the model, the length. Used for a new
   batch and for one that is there. */
(() => {
  const { h } = Stir;
  const CHOOSE = [["same", "One for all", "Every photo moves the same way"], ["each", "For each", "One is chosen for each that fits what it shows"], ["prompts", "By file", "Photo n with line n of a text or CSV file, or the .txt beside each photo"]];
  const ASPECTS = [["photo", "As the photo"], ["16:9", "16:9"], ["9:16", "9:16"], ["1:1", "1:1"], ["4:5", "4:5"], ["3:4", "3:4"], ["21:9", "21:9"]];
  const SIZES = [["auto", "Automatic"], ["240p", "240p"], ["360p", "360p"], ["480p", "480p"], ["720p", "720p"], ["1080p", "1080p"], ["1440p", "1440p"], ["2160p", "2160p"]];
  const QUALITIES = [["draft", "Draft"], ["good", "Good"], ["best", "Best"]];
  const PLAIN = { choose: "same", preset: "", words: "", platforms: [], aspect: "photo", model: "parallax", draft: false, seed: 0, variations: 1, size: "auto", seconds: 5, format: "mp4", quality: "good", plan: null };
  const field = (words, node, props = {}) => h("label", { class: "field", ...props }, h("span", {}, words), node);
  const number = (label, low, high, step, change) => h("input", { type: "number", min: low, max: high, step, "aria-label": label, onchange: change });

  /* `changed()` after every change by hand; `prompts` is the node that takes a file of prompts, null where there is none. */
  Stir.batchForm = ({ given, changed, prompts = null }) => {
    let now = { ...PLAIN };
    const set = (change) => ((now = { ...now, ...change }), paint(), changed());
    const choose = Stir.segments("Motion", CHOOSE, (value) => set({ choose: value }));
    const sentences = Object.fromEntries(given.presets.map(([id, , sentence]) => [id, sentence]));
    const preset = Stir.menu("A motion to start from", [["", "A slow push in, or my own words"], ...given.presets.map(([id, title]) => [id, title])], "", (id) => set({ preset: id }));
    const words = h("textarea", { rows: 3, maxlength: 4000, "aria-label": "What moves", placeholder: "Slow push in on {subject}, {light}…", onchange: () => set({ words: words.value }) });
    const slots = h("div", { class: "chips slots-row", role: "group", "aria-label": "Each photo’s own words" }, given.placeholders.map((name) => h("button", { type: "button", class: "chip", onclick: () => insert(`{${name}}`) }, `{${name}}`)));
    function insert(text) {
      const at = words.selectionStart ?? words.value.length;
      words.setRangeText(text, at, words.selectionEnd ?? at, "end");
      words.focus();
      set({ words: words.value });
    }
    const why = h("p", { class: "why" });
    const said = h("p", { class: "why", hidden: true });
    const worded = h("div", { class: "fold-body" }, field("Start from", preset), said, words, slots);
    const places = h("div", { class: "chips places-chips", role: "group", "aria-label": "Where the clips go" }, given.platforms.map((one) => h("button", { type: "button", class: "chip", "data-place": one.id, title: `${one.title}, ${one.aspect}`, "aria-pressed": "false", onclick: () => flip(one.id) }, one.label === one.aspect ? one.title.replace(/,? \d+:\d+$/, "") : one.label, h("small", {}, one.aspect))));
    const flip = (id) => set({ platforms: now.platforms.includes(id) ? now.platforms.filter((one) => one !== id) : [...now.platforms, id] });
    const aspect = Stir.menu("Shape", ASPECTS, "photo", (value) => set({ aspect: value }));
    const model = h("select", { "aria-label": "Model", onchange: () => set({ model: model.value }) });
    const seconds = number("Seconds", 1, 60, 0.5, () => set({ seconds: Stir.clamp(Number(seconds.value) || 5, 1, 60) }));
    const size = Stir.menu("Size", SIZES, "auto", (value) => set({ size: value }));
    const variations = number("Variations of each photo", 1, given.variations, 1, () => set({ variations: Stir.clamp(Math.round(Number(variations.value)) || 1, 1, given.variations) }));
    const seed = number("Seed", 0, 4294967295, 1, () => set({ seed: Stir.clamp(Math.round(Number(seed.value)) || 0, 0, 4294967295) }));
    const quality = Stir.menu("Quality", QUALITIES, "good", (value) => set({ quality: value }));
    const draft = Stir.toggle("Draft first", false, (on) => set({ draft: on }), { title: "Each clip is tried out on the built-in model before it is made" });
    const shaped = field("Shape", aspect);
    const slow = h("div", { class: "fields" }, field("Quality", quality), draft);
    const node = h("div", { class: "batch-form" },
      h("section", {}, h("h3", {}, "Motion"), choose.node, why, worded, prompts),
      h("section", {}, h("h3", {}, "Made for"), places),
      h("section", { class: "fields" }, shaped, field("Model", model), field("Length, s", seconds)),
      Stir.fold("More", h("div", { class: "fold-body" }, h("div", { class: "fields" }, field("Size", size), field("Variations", variations), field("First seed", seed)), slow)));

    function listModels() {
      const cards = (Stir.now("cards") ?? []).filter((one) => one.group !== "out" || one.id === now.model);
      model.replaceChildren(...(cards.length ? cards : [{ id: "parallax", title: "Parallax" }]).map((one) => h("option", { value: one.id }, one.title)));
      model.value = now.model;
    }
    function paint() {
      choose.paint(now.choose);
      why.textContent = CHOOSE.find(([key]) => key === now.choose)[2] + ".";
      said.textContent = sentences[now.preset] ?? "";
      said.hidden = !said.textContent;
      worded.hidden = now.choose === "each";
      if (prompts) prompts.hidden = now.choose !== "prompts";
      preset.value = now.preset;
      if (document.activeElement !== words) words.value = now.words;
      for (const chip of places.children) chip.setAttribute("aria-pressed", String(now.platforms.includes(chip.dataset.place)));
      shaped.hidden = now.platforms.length > 0;
      [aspect.value, size.value, quality.value] = [now.aspect, now.size, now.quality];
      for (const [input, value] of [[seconds, now.seconds], [variations, now.variations], [seed, now.seed]]) if (document.activeElement !== input) input.value = value;
      draft.paint(now.draft);
      slow.hidden = (Stir.card(now.model)?.where ?? "built in") === "built in";
      if (model.value !== now.model) listModels();
    }
    Stir.on("models", listModels);
    listModels();
    paint();
    return { node, read: () => ({ ...now, words: worded.hidden ? "" : words.value }), paint: (next) => ((now = { ...PLAIN, ...next }), paint()) };
  };
})();
