/* What the clip is like: model, length, size, rate, format; the plan of the run; and the one primary action. Its value is
   an Output. */
(() => {
  const { h, memory } = Stir;
  const SIZES = { auto: "Auto", "240p": "240p", "360p": "360p", "480p": "480p", "720p": "720p", "1080p": "1080p", "1440p": "1440p", "2160p": "4K" };
  const RATES = [8, 12, 16, 24, 25, 30, 50, 60];
  const FORMATS = [["mp4", "MP4"], ["webm", "WebM"], ["gif", "GIF"], ["webp", "WebP"]];
  const MOST_NAMED = 5; // photos that could not be used
  const OWN = ["size", "seconds", "fps", "steps", "guidance", "speedups", "service", "options", "audio", "motion_video"]; // remembered for each model
  const field = (label, control) => h("label", { class: "field" }, h("span", {}, label), control);
  const long = (seconds) => Number(seconds.toFixed(1)) + " s";

  Stir.parts.output_panel = ({ element, props, trigger, server }) => {
    const root = element.firstElementChild;
    let begins = memory.get("begins", { size: "auto", fps: 24 }); // the size and rate that Settings said last
    const kept = memory.get("runs", {}); // model → what it was last asked for
    let value = { ...props.value, ...memory.get("output", {}) };
    let planned = "";
    Stir.tell("cards", props.cards);
    if (!Stir.card(value.model)) value = { ...value, model: props.cards[0].id };
    const card = () => Stir.card(value.model);
    const controls = (one = card(), wish = value) => Stir.wayOf(one, wish)?.controls ?? one.controls;

    const note = Stir.note();
    const seconds = Stir.slider("Length in seconds", { min: 1, max: 10, step: 0.5, id: "seconds" }, (next) => ((length.textContent = long(next)), set({ seconds: next }, false)));
    const length = h("output", {});
    const lengthField = h("label", { class: "field wide" }, h("span", {}, "Length"), h("span", { class: "joined" }, seconds, length));
    const size = h("select", { "aria-label": "Size", id: "size", onchange: () => set({ size: size.value }) });
    const rate = h("select", { "aria-label": "Frames a second", id: "fps", onchange: () => set({ fps: Number(rate.value) }) });
    const sizeField = field("Size", size);
    const rateField = field("Rate", rate);
    const format = Stir.menu("Format", FORMATS, "mp4", (next) => set({ format: next }), { id: "format" });
    const picker = Stir.modelPicker((id) => choose(id));
    const inputs = Stir.hostedInputs({ server, limit: props.limit, set: (change) => set(fitToModel(card(), { ...value, ...change })) });
    const cost = Stir.costLine(() => paintGo());
    const advanced = Stir.advancedSettings((change, redraw) => set(change, redraw));
    const plan = h("p", { class: "plan", id: "plan", hidden: true });
    const planWhy = h("p", { class: "why", id: "plan-why", hidden: true });
    const reasons = h("dl", { class: "reasons" });
    const whyFold = Stir.fold("Why these?", reasons);
    whyFold.id = "why";
    const animate = h("button", { type: "button", class: "primary", id: "animate", onclick: () => send() }, h("span", {}, "Animate"), h("kbd", {}, /Mac/.test(navigator.platform) ? "⌘ ⏎" : "Ctrl ⏎"));
    const misfits = Stir.platformMisfits((change) => set(fitToModel(card(), { ...value, ...change })), animate);
    const only = h("button", { type: "button", class: "solid", id: "animate-one", hidden: true, title: "The photo on the desk, without the others", onclick: () => send(false) }, h("span", {}, "Only this one"));
    const said = h("p", { class: "why sent", role: "status", hidden: true });
    const drafting = Stir.toggle("Draft first", true, (on) => set({ draft: on }), { id: "draft-first" });
    const draftWhy = h("p", { class: "why" });
    const draftRow = h("div", { class: "drafting", hidden: true }, drafting, draftWhy);
    let price = null; // what a hosted model's clip costs
    let lacks = null; // what its model needs that isn't there
    let busy = false;
    let draft = null; // the model that tries it out, when it isn't the chosen one
    const several = h("button", { type: "button", class: "solid", id: "vary-open", title: "Two to four shots that differ on purpose", onclick: () => Stir.emit("open-variations") }, h("span", {}, "Variations…"));
    const compare = h("button", { type: "button", class: "solid", id: "compare-open", title: "Models, cameras, seeds and more, made at once and seen side by side", onclick: () => Stir.emit("open-comparison") }, h("span", {}, "Compare…"));
    root.append(
      note.node, h("div", { class: "models" }, picker.nodes), inputs.node, draftRow, advanced.strength,
      h("div", { class: "fields" }, lengthField, sizeField, rateField, field("Format", format)), advanced.quality, plan, planWhy,
      advanced.fold, whyFold,
    );
    /* The button stands under the stage, what can be done with a clip above what the next one is like. */
    Stir.on("clip-actions", (node) => root.prepend(node));
    Stir.on("dock", ({ actions, narrow }) => {
      const lay = () => {
        actions.append(animate, several, compare, ...Stir.history.nodes);
        actions.after(only);
        if (narrow.matches) root.append(only, several, compare); // the bar of a phone has no room for them
      };
      narrow.addEventListener("change", lay);
      lay();
    });

    Stir.on("dock", ({ actions }) => actions.before(cost.node, misfits.node, said)); // wherever the button stands

    /* What a model is asked for when nothing is remembered of it. */
    function usual(card) {
      const { length, fps } = controls(card, {});
      return { size: begins.size, seconds: length.default, fps: Stir.clamp(begins.fps, ...fps), steps: null, guidance: null, speedups: [], service: "", options: {}, audio: null, motion_video: null };
    }
    /* A wish brought within what a model makes. */
    function fitToModel(card, wanted) {
      const wish = inputs.fit(card, wanted);
      const { length, sizes, fps, steps, guidance, speedups } = controls(card, wish);
      return { ...wish, size: wish.size === "auto" || sizes.includes(wish.size) ? wish.size : "auto", seconds: Stir.clamp(wish.seconds, length.least, length.most), fps: Stir.clamp(wish.fps, ...fps), steps: within(wish.steps, steps), guidance: within(wish.guidance, guidance), speedups: (wish.speedups ?? []).filter((name) => speedups.some((one) => one.name === name)) };
    }
    const within = (number, range) => (number === null || number === undefined || !range ? null : Stir.clamp(number, range.least, range.most));
    function choose(id) {
      if (id === value.model) return;
      kept[value.model] = Object.fromEntries(OWN.map((name) => [name, value[name]]));
      memory.set("runs", kept);
      const next = Stir.card(id);
      const place = Stir.now("place"); // what the clips are made for holds on every model
      set({ model: id, ...fitToModel(next, { ...usual(next), ...kept[id], ...(place ? { size: "auto", fps: place.fps } : {}) }) });
    }
    function set(change, redraw = true) {
      value = { ...value, ...change };
      props.value = value;
      memory.set("output", value);
      note.clear();
      Stir.tell("output", value);
      if (redraw) paint();
    }
    const NAMES = { platform: "made for", model: "model", seconds: "length", size: "size", fps: "rate", format: "format", seed: "seed", negative_prompt: "what to avoid" };
    const nameChange = (before, after) => NAMES[Object.keys(NAMES).find((name) => before[name] !== after[name])] ?? "how it is made";
    function options(menu, choices, now) {
      const all = choices.some(([key]) => String(key) === String(now)) ? choices : [...choices, [now, SIZES[now] ?? now + " fps"]];
      menu.replaceChildren(...all.map(([key, words]) => h("option", { value: key }, words)));
      menu.value = now;
    }
    function paint() {
      const now = controls();
      const { least, most, step } = now.length;
      Object.assign(seconds, { min: least, max: most, step, disabled: least === most });
      seconds.paint(value.seconds);
      length.textContent = long(value.seconds);
      options(size, ["auto", ...now.sizes].map((key) => [key, SIZES[key]]), value.size);
      sizeField.hidden = !now.sizes.length;
      lengthField.hidden = Boolean(Stir.wayOf(card(), value)?.follows); // as long as what it is given
      const rates = RATES.filter((one) => one >= now.fps[0] && one <= now.fps[1]);
      options(rate, rates.map((one) => [one, one + " fps"]), value.fps);
      rateField.hidden = rates.length < 2;
      format.value = value.format;
      picker.paint(value.model);
      inputs.paint(card(), value);
      advanced.paint(card(), value);
      paintDraft();
    }
    /* What the press costs, where it does; a draft is free. */
    function paintGo() {
      const count = Math.max(1, (Stir.now("film") ?? []).length);
      cost.paint(draft && value.draft ? null : price, count, lacks);
      animate.firstChild.textContent = animate.dataset.words + cost.suffix;
      animate.setAttribute("aria-disabled", String(busy || cost.blocked));
      animate.classList.toggle("blocked", cost.blocked);
      animate.lastChild.hidden = count > 1 || Boolean(cost.suffix);
    }
    /* Try it on the fastest thing here first; then one press makes the same shot for real. */
    function paintDraft() {
      draftRow.hidden = !draft;
      drafting.paint(value.draft);
      draftWhy.textContent = draft ? `On ${draft.title}; then one press renders it on ${card().title}` : "";
      draftRow.title = draft?.reason ?? "";
      const [tries, on] = draft && value.draft ? ["Draft", " on " + draft.title] : ["Animate", ""];
      const count = (Stir.now("film") ?? []).length;
      animate.dataset.words = count > 1 ? `${tries} all ${count}${on}` : tries + on;
      only.hidden = count < 2;
      paintGo();
    }
    /* One press: the photo on the desk, or all on the strip, each with its own crop. What was typed last is heard before, and every
       crop placed. */
    const go = Stir.once(async (press, all) => {
      note.clear();
      said.hidden = true;
      await Stir.settle?.();
      await Stir.framed?.(all);
      const film = all ? Stir.frames() : [];
      const paid = film.length > 1 === (Stir.now("film") ?? []).length > 1 ? cost.paid() : null; // of as many as it was shown for
      const answer = await Stir.buy(server.animate, { press, desk: Stir.values(props.desk), film, paid }, "output");
      if (!answer) return;
      Stir.emit("answered", answer);
      if (answer.kind === "submitted" && all) tell(answer);
    }, (now) => ((busy = now), only.setAttribute("aria-disabled", String(now)), paintGo()));
    const send = (all = (Stir.now("film") ?? []).length > 1) => (cost.blocked ? cost.lead() : go(all));
    /* What became of several: how many wait, what was left out of some, and each photo that could not be used, by its name. */
    function tell({ jobs, refused, notes }) {
      said.hidden = !jobs.length;
      said.textContent = [`${jobs.length} ${jobs.length === 1 ? "photo is" : "photos are"} in the queue.`, ...notes].join(" ");
      const names = Object.fromEntries((Stir.now("film") ?? []).map(({ id, name }) => [id, name || "A photo"]));
      for (const { photo, reason, remedy } of refused.slice(0, MOST_NAMED)) note.add({ reason: `${names[photo] ?? "A photo"}: ${reason}`, remedy });
      if (refused.length > MOST_NAMED) note.add({ reason: `And ${refused.length - MOST_NAMED} more photos can't be used.`, remedy: "Take them off the strip, or choose one to see why." });
      Stir.say(said.textContent);
    }

    // The plan and the reasons ---------------------------------------------------------------------------------------
    const askWhy = Stir.later(() => whyFold.open && trigger("why"), 250);
    const askPlan = Stir.later(() => {
      const stills = ["gif", "webp"].includes(value.format) ? ["camera", "effects"] : []; // of which one picture may do
      const key = JSON.stringify(["frame", "ending", "output", ...stills].map(Stir.now));
      if (!Stir.now("frame")) plan.hidden = planWhy.hidden = true, misfits.paint([]), (planned = "");
      else if (key !== planned) (planned = key), trigger("plan");
    }, 120);
    whyFold.addEventListener("toggle", () => {
      if (!whyFold.open) return;
      if (!reasons.children.length) reasons.replaceChildren(h("dd", {}, "Looking…"));
      askWhy();
    });
    for (const topic of ["frame", "camera", "effects", "output", "ending"]) Stir.on(topic, () => (askWhy(), askPlan()));
    Stir.on("spending", () => card().ways.length && ((planned = ""), askPlan())); // a token, a consent or a budget has changed
    Stir.on("planned", (answer) => {
      draft = answer.kind === "plan" ? answer.draft : draft;
      price = answer.price ?? null;
      lacks = answer.lacks ?? null;
      inputs.paint(card(), value); // the way in that the studio has chosen
      paintDraft();
      plan.hidden = answer.kind === "refusal" && answer.where !== "output";
      plan.textContent = answer.kind === "plan" ? answer.line : `${answer.reason} ${answer.remedy}`;
      plan.title = answer.kind === "plan" ? answer.choices.map((one) => `${one.value}: ${one.reason}`).join("\n") : "";
      planWhy.textContent = answer.why ?? "";
      planWhy.hidden = !answer.why;
      misfits.paint(answer.misfits ?? []);
    });
    Stir.on("reasons", ({ choices, refusal }) => reasons.replaceChildren(...(refusal ? [h("dd", {}, refusal.reason + " " + refusal.remedy)] : Stir.reasons(choices))));

    const goTo = (place) => set(place ? fitToModel(card(), { ...value, platform: place.id, size: "auto", fps: place.fps, seconds: Stir.clamp(value.seconds, place.min_seconds, place.max_seconds) }) : { platform: "" });
    Stir.on("platform", goTo);
    /* Settings say what a desk begins with. What was changed here holds for this browser; what was not follows. */
    Stir.on("defaults", ({ size, fps, place: id }) => {
      const follows = Object.entries(id ? {} : { size, fps }).filter(([name]) => value[name] === begins[name]); // a place brings its own
      memory.set("begins", (begins = { size, fps }));
      set(fitToModel(card(), { ...value, ...Object.fromEntries(follows) }));
      const place = Stir.now("place"); // the photo's part may have been told before this one was listening
      if (place && place.id !== value.platform) goTo(place);
    });
    Stir.on("use-defaults", ({ place }) => place || set(fitToModel(card(), { ...value, ...begins }))); // a place brings its own
    Stir.on("use-model", choose);
    Stir.on("use-length", (seconds) => set(fitToModel(card(), { ...value, seconds })));
    Stir.on("avoid", (words) => words !== value.negative_prompt && set({ negative_prompt: words }));
    Stir.on("use-size", (size) => set(fitToModel(card(), { ...value, size })));
    Stir.on("animate", () => send());
    Stir.on("film", () => ((said.hidden = true), paintDraft()));
    /* The place a clip is made for; null leaves that open and the rest as it is. Auto is the place's size, as far as the crop has it. */
    Stir.on("shot", (shot) => {
      const asked = Object.fromEntries(Object.keys(props.value).filter((name) => name in shot).map((name) => [name, shot[name]]));
      const known = Boolean(Stir.card(shot.model));
      set({ ...asked, model: known ? shot.model : value.model, negative_prompt: shot.motion.negative_prompt ?? "", draft: value.draft });
      if (!known) note.show({ reason: `There is no model called “${shot.model}” here.`, remedy: `The settings are back; ${card().title} will make the clip.` });
    });
    Stir.history.register("output", { take: () => value, put: (before) => set(before), words: nameChange });
    set(fitToModel(card(), value));
  };

  /* Silent parts: they hand what they are given to whoever shows it. */
  Stir.parts.output_reasons = ({ props, watch }) => watch("value", () => props.value && Stir.emit("reasons", props.value));
  Stir.parts.output_plan = ({ props, watch }) => watch("value", () => props.value && Stir.emit("planned", props.value));
})();
