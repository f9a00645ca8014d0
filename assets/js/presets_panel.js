/* Motions to start from: one row of those that fit the photo best, and a sheet with all of them. A press fills the builder. What a
   motion goes well with, its length, aspect and model, is never set by itself: it is offered in a line of its own. */
(() => {
  const { h, icon, file, memory } = Stir;
  const FEW = 8;

  Stir.parts.presets_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const all = Object.fromEntries(props.motions.map((one) => [one.id, one]));
    const wishes = { kinds: new Set(), uses: new Set() };
    let order = props.motions.map((one) => one.id); // those that fit the photo first
    let fitting = new Set();
    let photo = "";
    let reason = ""; // what its kind was told by, or why it could not be told
    let chosen = memory.get("preset", "") in all ? memory.get("preset", "") : "";
    let settled = false;
    let before = null; // what was there before the last press, for undo

    const plays = Stir.presetPreview(server.play_motion);
    const strip = h("div", { class: "preset-strip", role: "group", "aria-label": "Motions to start from" });
    const open = Stir.button(`All ${props.motions.length} motions`, { class: "ghost", id: "all-motions", "aria-haspopup": "dialog", onclick: () => show() });
    const words = h("p", {});
    const use = Stir.button("", { class: "solid", id: "use-suggested" });
    const undo = Stir.button("Undo", { class: "ghost", id: "undo-preset", onclick: () => back() }, "retry");
    const offer = h("div", { class: "preset-offer", hidden: true }, words, use, undo);
    use.append(h("span"));
    root.append(h("div", { class: "panel-head" }, h("h2", {}, "Motion"), open), strip, offer);

    /* What a motion goes well with, of what can be set here: a model only when it is ready. */
    function suits(one) {
      const model = one.models.find((id) => Stir.card(id) && Stir.groupOf(Stir.card(id)) === "ready");
      return { seconds: one.seconds, aspect: one.aspect, model };
    }
    const shape = (aspect) => (aspect === "photo" ? "the photo's own shape" : aspect);
    function facts(one) {
      const named = one.models.map((id) => Stir.card(id)?.title).filter(Boolean)[0];
      return [Number(one.seconds) + " s", one.aspect === "photo" ? "Photo" : one.aspect, named].filter(Boolean).join(" · ");
    }
    function tile(one) {
      const picture = h("img", { src: file(one.still), alt: "", loading: "lazy", draggable: "false" });
      const node = h("button", { type: "button", class: "preset", "data-preset": one.id, "aria-pressed": String(one.id === chosen), title: one.summary, onclick: () => press(one) }, h("span", { class: "preset-picture" }, picture), h("span", { class: "preset-title" }, one.title));
      return plays(node, one.id);
    }
    function wide(one) {
      const node = tile(one);
      node.removeAttribute("title");
      node.append(h("span", { class: "preset-words" }, one.summary), h("span", { class: "preset-facts" }, "Goes well with " + facts(one)));
      return node;
    }
    function press(one) {
      const now = Stir.snapshot();
      before = now.motion && now;
      if (sheet.open) sheet.close();
      choose("");
      Stir.emit("motion", one.motion);
      Stir.emit("avoid", one.motion.negative_prompt);
      choose(one.id);
      Stir.say(one.title + " is in the builder.");
    }
    /* Undo hides itself: the keyboard goes back to the motion that was pressed. */
    function back() {
      const pressed = strip.querySelector("[aria-pressed='true']") ?? open;
      Stir.emit("restore", before);
      before = null;
      choose("");
      pressed.focus({ preventScroll: true });
    }
    function choose(id) {
      chosen = id;
      memory.set("preset", id);
      if (id && ![...strip.children].some((node) => node.dataset.preset === id)) paintStrip();
      for (const node of root.querySelectorAll(".preset")) node.setAttribute("aria-pressed", String(node.dataset.preset === id));
      paintOffer();
    }
    function paintOffer() {
      const one = all[chosen];
      offer.hidden = !one;
      if (!one) return;
      const output = Stir.now("output");
      const { seconds, aspect, model } = suits(one);
      const differs = { seconds: output && seconds !== output.seconds && seconds, aspect: Stir.now("frame") && !Stir.now("place") && aspect !== Stir.now("frame").crop.aspect && aspect, model: output && model && !one.models.includes(output.model) && model };
      const named = [differs.seconds && seconds + " s", differs.aspect && shape(aspect), differs.model && Stir.card(model).title].filter(Boolean);
      words.textContent = named.length ? "Goes well with" : `Goes well with ${seconds} s and ${shape(aspect)}, as set`;
      use.hidden = !named.length;
      use.firstChild.textContent = named.join(" · ");
      use.setAttribute("aria-label", "Use " + named.join(", "));
      use.title = `Set what ${one.title} goes well with`;
      use.onclick = () => {
        if (differs.model) Stir.emit("use-model", model);
        if (differs.seconds) Stir.emit("use-length", seconds);
        if (differs.aspect) Stir.emit("use-aspect", aspect);
      };
      undo.hidden = !before;
    }

    // The sheet --------------------------------------------------------------------------------------------------------
    const grid = h("div", { class: "preset-grid" });
    const none = h("p", { class: "why", hidden: true }, "No motion is made for both. Take one of the two off.");
    const filter = (label, what, names) => h("div", { class: "row preset-filter", role: "group", "aria-label": label }, h("span", { class: "move-name" }, label), h("div", { class: "chips" }, Object.entries(names).map(([key, title]) => h("button", { type: "button", class: "chip", ["data-" + what]: key, "aria-pressed": "false", onclick: (event) => toggle(what, key, event.currentTarget) }, title))));
    const filters = h("div", { class: "preset-filters" }, filter("Photo of", "kinds", props.kinds), filter("Made for", "uses", props.uses));
    const close = h("button", { type: "button", class: "ghost tiny", "aria-label": "Close", onclick: () => sheet.close() }, icon("close"));
    const truth = h("p", { class: "why" }, "A press fills the camera, the effects and the words. Length, aspect and model stay yours: what a motion goes well with is offered afterwards.");
    const sheet = h("dialog", { class: "presets-sheet", "aria-label": "Start from a motion" }, h("div", { class: "picker-head" }, h("div", { class: "row between" }, h("h2", {}, "Start from a motion"), close), filters), h("div", { class: "preset-body" }, none, grid, truth));
    root.append(sheet);
    sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());

    function toggle(what, key, button) {
      const set = wishes[what];
      if (!set.delete(key)) set.add(key);
      button.setAttribute("aria-pressed", String(set.has(key)));
      paintGrid();
    }
    const meets = (one) => Object.entries(wishes).every(([what, set]) => !set.size || one[what].some((key) => set.has(key)));
    function paintGrid() {
      const shown = order.map((id) => all[id]).filter(meets);
      none.hidden = shown.length > 0;
      const first = shown.filter((one) => fitting.has(one.id));
      const rest = shown.filter((one) => !fitting.has(one.id));
      const part = (title, list) => (list.length ? [title && h("h3", {}, title, h("span", { class: "count" }, list.length)), h("div", { class: "preset-tiles" }, list.map(wide))] : []);
      grid.replaceChildren(...[reason && h("p", { class: "why" }, reason), ...part(first.length ? "For this photo" : "", first), ...part(first.length ? "For other photos" : "", rest)].filter(Boolean));
    }
    function show() {
      paintGrid();
      sheet.showModal();
    }

    // The photo --------------------------------------------------------------------------------------------------------
    function paintStrip() {
      const first = order.slice(0, FEW);
      const shown = chosen && !first.includes(chosen) ? [chosen, ...first.slice(0, -1)] : first;
      Stir.redraw(strip, () => strip.replaceChildren(...shown.map((id) => tile(all[id]))));
      strip.scrollLeft = 0;
    }
    function paint() {
      paintStrip();
      strip.hidden = open.hidden = !order.length;
      if (sheet.open) paintGrid();
      paintOffer();
    }
    async function look(id) {
      photo = id;
      const answer = id ? await Stir.ask(server.fit_motions, { photo: id }, "page") : null;
      if (photo !== id) return;
      order = answer?.order ?? props.motions.map((one) => one.id);
      fitting = new Set(answer?.fitting ?? []);
      reason = answer?.reason ?? "";
      Stir.tell("photo-words", answer?.words ?? null);
      paint();
    }
    /* What fits is asked once the photo has been looked at for its report: one look serves both. */
    Stir.on("looked", (id) => id !== photo && look(id));
    Stir.on("frame", (frame) => (frame ? paintOffer() : photo && look("")));
    for (const topic of ["output", "models", "cards"]) Stir.on(topic, paintOffer);
    /* Once the builder says something else, it is no longer that motion. */
    const names = (list) => list.map((item) => item.name).join();
    function stands({ camera, effects, ...words }) {
      const slots = Stir.now("slots") ?? {};
      return names(camera.moves) === names(Stir.now("camera")?.moves ?? []) && (camera.then ?? []).length === (Stir.now("camera")?.then ?? []).length && names(effects) === names(Stir.now("effects") ?? []) && Object.keys(slots).every((slot) => slots[slot] === (words[slot] ?? ""));
    }
    for (const topic of ["camera", "effects", "slots"]) Stir.on(topic, () => settled && chosen && !stands(all[chosen].motion) && choose(""));
    Stir.history.register("presets", { take: () => chosen, put: choose, words: (_, now) => (now ? "motion" : "") });
    Stir.on("acted", () => (settled = true)); // before that the page is still being put together
    paint();
  };
})();
