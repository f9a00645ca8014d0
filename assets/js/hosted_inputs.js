/* What a hosted model is given beside the photo and the words: the way in to it, its own choices, a voice, a film to move like. Only
   what the chosen way takes is shown. `set(change)` after every change of the Output's value. */
(() => {
  const { h, icon } = Stir;
  const SLOTS = {
    audio: { noun: "sound", title: "Voice or music", kinds: "audio/*,.wav,.mp3,.m4a,.aac,.ogg,.flac", add: "Choose a file" },
    motion_video: { noun: "film", title: "A film to move like", kinds: "video/*,.mp4,.mov,.webm", add: "Choose a film" },
  };
  const NARROW = 4; // choices that stand side by side
  const views = new Map(); // id of a kept file → its address
  const field = (label, control, help) => h("label", { class: "field", title: help || null }, h("span", {}, label), control);

  /* One file: a sound, which may be recorded here, or a film. */
  function attach(slot, { server, limit, change }) {
    const { title, kinds, add } = SLOTS[slot];
    const note = Stir.note();
    const refuse = (refusal) => (note.show(refusal), buttons.before(note.node));
    const input = h("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", id: `${slot}-input`, accept: kinds });
    const choose = Stir.button(add, { class: "solid", onclick: () => input.click() }, "folder");
    const speak = slot === "audio" ? Stir.button("Record", { class: "solid record", onclick: () => (note.clear(), recorder.flip()) }) : null;
    const recorder = speak && Stir.voiceRecorder({ hear: take, refuse, paint: (seconds) => {
      speak.classList.toggle("recording", seconds !== null);
      speak.lastChild.textContent = seconds === null ? "Record" : `Stop, ${Stir.clock(seconds)}`;
      choose.hidden = seconds !== null;
    } });
    const player = h(slot === "audio" ? "audio" : "video", { controls: true, preload: "metadata", muted: slot !== "audio", playsinline: true, "aria-label": title });
    const name = h("span", { class: "attached-name" });
    const away = h("button", { type: "button", class: "ghost tiny", "aria-label": `Remove: ${title}`, onclick: () => change(null) }, icon("close", 12));
    const shown = h("div", { class: "attached", hidden: true }, player, h("div", { class: "row between" }, name, away));
    const why = h("p", { class: "why" });
    const buttons = h("div", { class: "attach-buttons" }, speak, choose);
    const heading = h("h3", {});
    const node = h("section", { class: "attach", id: slot === "audio" ? "voice" : "motion-video", "aria-label": title }, heading, buttons, shown, why, input);
    input.addEventListener("change", () => (take(input.files[0]), (input.value = "")));
    for (const type of ["dragover", "drop"]) node.addEventListener(type, (event) => {
      const one = event.dataTransfer?.types.includes("Files");
      if (!one) return;
      event.preventDefault();
      event.stopPropagation();
      if (type === "drop") Stir.emit("dropped"), take(event.dataTransfer.files[0]);
    });
    async function take(one) {
      if (!one) return;
      note.clear();
      if (one.size > limit) return refuse({ reason: `${one.name} is ${Stir.bytes(one.size)}.`, remedy: `Choose one under ${Stir.bytes(limit)}.` });
      node.classList.add("busy");
      const answer = await Stir.carry(one, server.take_attachment)({ name: one.name, kind: slot === "audio" ? "audio" : "video" }).catch(() => undefined);
      node.classList.remove("busy");
      if (!answer || answer.refusal) return refuse(answer?.refusal ?? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." });
      change(answer);
    }
    /* Where a kept file lies, asked once; one that has gone is taken off. */
    async function see(now) {
      player.hidden = !views.has(now.id);
      if (views.has(now.id)) return player.getAttribute("src") !== views.get(now.id) && (player.src = views.get(now.id));
      const answer = await server.see_attachment({ id: now.id }).catch(() => null);
      if (answer?.refusal) return refuse(answer.refusal), change(null);
      if (answer) views.set(now.id, Stir.file(answer.path)), see(now);
    }
    function paint(slotFacts, now) {
      heading.textContent = slotFacts.required ? title : `${title}, if you like`;
      why.textContent = slotFacts.words;
      why.hidden = !slotFacts.words;
      buttons.hidden = Boolean(now);
      shown.hidden = !now;
      node.classList.toggle("missing", slotFacts.required && !now);
      if (!now) return player.removeAttribute("src");
      see(now);
      name.textContent = `${now.name}, ${Number(now.seconds.toFixed(1))} s`;
    }
    return { node, paint, away: () => recorder?.stop() };
  }

  /* One of the model's own choices. */
  function choice(one, now, change) {
    const value = now ?? one.value;
    if (one.kind === "switch") return Stir.toggle(one.title, Boolean(value), change, { title: one.help || null, "data-option": one.option });
    if (one.kind === "choice" && one.values.length <= NARROW) {
      const row = Stir.segments(one.title, one.values.map(([key, words]) => [String(key), words]), (key) => change(one.values.find(([known]) => String(known) === key)[0]));
      row.paint(value);
      return h("div", { class: "row between", "data-option": one.option, title: one.help || null }, h("span", { class: "move-name" }, one.title), row.node);
    }
    if (one.kind === "choice") return field(one.title, Stir.menu(one.title, one.values, String(value), (key) => change(one.values.find(([known]) => String(known) === key)[0]), { "data-option": one.option }), one.help);
    if (one.kind === "text") return field(one.title, h("textarea", { rows: 2, maxlength: one.most ?? 2000, placeholder: one.help, "data-option": one.option, "data-undo": true, value: value ?? "", onchange: (event) => change(event.currentTarget.value) }));
    const box = h("input", { type: "number", min: one.least, max: one.most, step: one.kind === "whole" ? 1 : "any", placeholder: "Auto", "data-option": one.option, onchange: () => change(box.value === "" ? null : (one.kind === "whole" ? Math.round : Number)(Stir.clamp(Number(box.value) || 0, one.least ?? -Infinity, one.most ?? Infinity))) });
    box.value = value ?? "";
    return field(one.title, box, one.help);
  }

  /* The way a shot goes in: the one chosen, else the one the studio took for it last, else the first that can be used; null for a
     model of this computer. */
  Stir.wayOf = (card, value) => [value.service, settled.get(card.id), Stir.standing(card.id)?.way].map((name) => card.ways.find((one) => one.name === name)).find(Boolean) ?? card.ways[0] ?? null;
  const settled = new Map(); // model → the way that the studio has chosen
  Stir.on("planned", ({ model, way }) => way && settled.set(model, way));

  Stir.hostedInputs = ({ server, limit, set }) => {
    const ways = h("div", { class: "ways-in" });
    const choices = h("div", { class: "choices" });
    const files = Object.fromEntries(Object.keys(SLOTS).map((slot) => [slot, attach(slot, { server, limit, change: (one) => set({ [slot]: one }) })]));
    const node = h("div", { class: "hosted-inputs", id: "hosted-inputs", hidden: true }, ways, Object.values(files).map((one) => one.node), choices);

    function paint(card, value) {
      node.hidden = !card.ways.length;
      if (node.hidden) return Object.values(files).forEach((one) => one.away());
      const way = Stir.wayOf(card, value);
      const standing = Object.fromEntries((Stir.standing(card.id)?.ways ?? []).map((one) => [one.name, one]));
      ways.hidden = card.ways.length < 2;
      Stir.redraw(ways, () => ways.replaceChildren(...card.ways.map((one) => {
        const why = standing[one.name]?.reason ?? "";
        return h("button", { type: "button", class: "way", "data-way": one.name, "aria-pressed": String(one === way), "aria-disabled": String(Boolean(why)), title: why || one.near || null, onclick: () => why || set({ service: one.name }) }, h("strong", {}, one.title), h("span", {}, [one.price, one.speed].filter(Boolean).join(" · ")), why ? h("span", { class: "way-why" }, why) : null);
      })));
      for (const [slot, one] of Object.entries(files)) {
        one.node.hidden = !way.slots[slot];
        if (way.slots[slot]) one.paint(way.slots[slot], value[slot]);
        else one.away();
      }
      choices.hidden = !way.fields.length && !way.sounds;
      const change = (name) => (next) => {
        const { [name]: _, ...rest } = value.options ?? {};
        set({ options: next === null || next === "" ? rest : { ...rest, [name]: next } });
      };
      Stir.redraw(choices, () => choices.replaceChildren(...way.fields.map((one) => choice(one, value.options?.[one.option], change(one.option))), way.sounds ? soundSwitch(value.sound) : ""));
    }
    const soundSwitch = (on) => Stir.toggle("Sound", on, (sound) => set({ sound }), { "data-option": "sound", title: "The model makes a sound track with the picture" });
    /* What of a wish a model takes: choices and files of others wait with the model they belong to. */
    function fit(card, wish) {
      if (!card.ways.length) return { ...wish, service: "", options: {}, audio: null, motion_video: null };
      const way = Stir.wayOf(card, wish);
      const known = new Set(way.fields.map((one) => one.option));
      const options = Object.fromEntries(Object.entries(wish.options ?? {}).filter(([name]) => known.has(name)));
      const slot = (name) => (way.slots[name] ? (wish[name] ?? null) : null);
      return { ...wish, service: card.ways.some((one) => one.name === wish.service) ? wish.service : "", options, audio: slot("audio"), motion_video: slot("motion_video") };
    }
    return { node, paint, fit };
  };
})();
