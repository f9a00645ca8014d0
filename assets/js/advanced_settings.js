/* What only some models can be told: how much moves and how carefully it is made, and one fold away steps, guidance, what to
   avoid, sound, speed-ups, and the consent to shrink. `set(change)` after every change. */
(() => {
  const { h, icon } = Stir;
  const QUALITIES = [["draft", "Draft", "Small, short and with few steps"], ["good", "Good", "As the model was made to be used"], ["best", "Best", "Its largest size, and more steps"]];
  const field = (label, ...control) => h("label", { class: "field" }, h("span", {}, label), control);

  Stir.advancedSettings = (set) => {
    const whole = (input, least, most) => (input.value === "" ? null : Stir.clamp(Number(input.value) || least, least, most));
    let card = null;

    const quality = Stir.segments("Quality", QUALITIES, (value) => set({ quality: value }));
    const pace = h("div", { class: "row between", id: "quality" }, h("span", { class: "move-name" }, "Quality"), quality.node);
    const amount = h("output", {});
    const slider = Stir.slider("How much moves", { id: "strength" }, (strength) => ((amount.textContent = Math.round(strength * 100)), set({ strength }, false)));
    const strength = h("label", { class: "strength" }, h("span", { class: "move-name" }, "How much moves"), slider, amount);

    const steps = h("input", { type: "number", id: "steps", step: 1, onchange: () => set({ steps: whole(steps, card.steps.least, card.steps.most) && Math.round(whole(steps, card.steps.least, card.steps.most)) }) });
    const guidance = h("input", { type: "number", id: "guidance", step: 0.1, onchange: () => set({ guidance: whole(guidance, card.guidance.least, card.guidance.most) }) });
    const seed = h("input", { type: "number", min: 0, max: 4294967295, step: 1, id: "seed", "aria-label": "Seed", onchange: () => set({ seed: Math.min(4294967295, Math.max(0, Math.round(Number(seed.value)) || 0)) }) });
    const dice = h("button", { type: "button", class: "ghost tiny", "aria-label": "Another seed", title: "Another seed", onclick: () => set({ seed: Math.floor(Math.random() * 4294967296) }) }, icon("dice"));
    const stepsField = field("Steps", steps);
    const guidanceField = field("Guidance", guidance);
    const numbers = h("div", { class: "row numbers" }, stepsField, guidanceField, field("Seed", h("span", { class: "joined" }, seed, dice)));
    const seedWhy = h("p", { class: "why" }, "The same seed and settings make the same clip, frame for frame.");
    const avoid = h("textarea", { rows: 2, id: "avoid", "data-undo": true, maxlength: 4000, placeholder: "Blur, text, extra fingers", oninput: () => set({ negative_prompt: avoid.value }, false) });
    const avoidField = field("What to avoid", avoid);
    const sound = Stir.toggle("Sound", true, (on) => set({ sound: on }), { id: "sound", title: "The model makes a sound track with the picture" });
    const faster = h("div", { class: "speedups" });
    const trial = Stir.button("Try the speed-ups on this photo", { class: "ghost", id: "try-speedups", title: "A short plain clip and one with each, of the same seed, side by side: seconds, and how far the pixels differ", onclick: () => Stir.emit("try-speedups") });
    const fasterField = h("div", { class: "field", role: "group", "aria-label": "Speed and memory" }, h("span", {}, "Speed and memory, and what each costs"), faster, trial);
    const shrink = Stir.toggle("Allow a smaller or shorter clip if memory runs out", false, (on) => set({ may_shrink: on }), { id: "may-shrink" });
    const ending = h("p", { class: "why", id: "no-end-frame" });
    const body = h("div", { class: "fold-body" }, numbers, seedWhy, avoidField, sound, fasterField, shrink, ending);
    const fold = Stir.fold("Advanced", body);
    fold.id = "advanced";

    function speedups(all, chosen) {
      faster.replaceChildren(...all.map((one) => {
        const flip = Stir.toggle(one.title, chosen.includes(one.name), (on) => set({ speedups: on ? [...chosen, one.name] : chosen.filter((name) => name !== one.name) }), { "data-speedup": one.name });
        return h("div", { class: "speedup" }, flip, h("p", { class: "why" }, one.cost));
      }));
    }
    return {
      quality: pace,
      strength,
      fold,
      /* `facts` are the chosen model's card. */
      paint(facts, value) {
        card = facts.controls;
        const has = (what) => facts.supports.includes(what);
        pace.hidden = shrink.hidden = stepsField.hidden = !card.steps;
        guidanceField.hidden = !card.guidance;
        strength.hidden = !has("motion_strength");
        avoidField.hidden = !has("negative_prompt");
        sound.hidden = !has("sound") || facts.ways.length > 0; // a hosted model's changes its price, and stands with that
        fasterField.hidden = !card.speedups.length;
        ending.hidden = has("end_frame");
        ending.textContent = `${facts.title} can't be told where to end. Models marked “end frame” can.`;
        quality.paint(value.quality);
        slider.paint(value.strength);
        amount.textContent = Math.round(value.strength * 100);
        for (const [input, range, now] of [[steps, card.steps, value.steps], [guidance, card.guidance, value.guidance]]) {
          if (!range) continue;
          Object.assign(input, { min: range.least, max: range.most, placeholder: "Auto" });
          input.title = `${range.least} to ${range.most}; left empty, the model's own`;
          input.value = now ?? "";
        }
        seed.value = value.seed;
        if (avoid.value !== value.negative_prompt) avoid.value = value.negative_prompt;
        sound.paint(value.sound);
        shrink.paint(value.may_shrink);
        trial.hidden = !card.speedups.some(({ name }) => name !== "vae_tiling");
        Stir.redraw(faster, () => speedups(card.speedups, value.speedups));
      },
    };
  };
})();
