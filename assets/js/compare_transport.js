/* What drives a comparison: play, step, scrub, speed and loop; and how two are laid over each other. */
(() => {
  const { h, icon, memory } = Stir;
  const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2];
  const MODES = [["grid", "Grid"], ["wipe", "Wipe"], ["onion", "Onion skin"], ["difference", "Difference"]];
  const SAID = 250; // ms between two times that the time is said
  const PATIENT = 400; // ms of waiting until it is said
  const KEYS = [["Space", "play or pause"], ["← →", "a frame back or on"], ["Shift ← →", "a second back or on"], ["1 – 6", "pick the winner"], ["W", "wipe"], ["D", "difference"], ["O", "onion skin"], ["Z", "loupe"], ["Alt + arrows", "move the loupe"], ["Esc", "back to the grid"]];

  /* `make(paint)` answers the clock, `table()` the table once it is there. */
  Stir.compareTransport = (table) => {
    const tool = (label, picture, run, keys) => h("button", { type: "button", class: "ghost tiny", "aria-label": label, title: label, "aria-keyshortcuts": keys, onclick: run }, icon(picture));
    const clock = Stir.compareClock(paint);
    let said = 0;
    let was = null; // whether it played before the scrubber was held
    let looping = memory.get("compare-loop", true);
    const play = h("button", { type: "button", class: "solid transport-play", "aria-keyshortcuts": "Space", onclick: () => clock.toggle() }, icon("play"));
    const back = tool("A frame back", "before", () => clock.step(-1), "ArrowLeft");
    const on = tool("A frame on", "after", () => clock.step(1), "ArrowRight");
    const scrub = h("input", { type: "range", min: 0, max: 0, step: 1, value: 0, class: "transport-scrub", "aria-label": "Place in the clips" });
    const time = h("output", { class: "transport-time" });
    const speed = Stir.menu("Speed", SPEEDS.map((one) => [one, one + "×"]), memory.get("compare-speed", 1), (value) => (memory.set("compare-speed", Number(value)), clock.set({ speed: Number(value) })), { class: "quiet", id: "compare-speed" });
    const loop = tool("Loop", "loop", () => setLoop(!looping));
    const short = Stir.menu("Shorter clips", [["hold", "Shorter ones hold"], ["loop", "Shorter ones loop"]], memory.get("compare-short", "hold"), (value) => (memory.set("compare-short", value), clock.set({ short: value })), { class: "quiet", id: "compare-short" });
    const wait = h("span", { class: "transport-wait", role: "status", hidden: true }, "Waiting for all");
    const bar = h("div", { class: "transport", role: "group", "aria-label": "Playback" }, h("div", { class: "transport-keys" }, back, play, on), scrub, time, wait, speed, short, loop);

    const modes = Stir.segments("How they are laid out", MODES, (value) => table().setMode(value === table().mode ? "grid" : value));
    modes.node.querySelector("[data-value=wipe]").setAttribute("aria-keyshortcuts", "W");
    modes.node.querySelector("[data-value=difference]").setAttribute("aria-keyshortcuts", "D");
    modes.node.querySelector("[data-value=onion]").setAttribute("aria-keyshortcuts", "O");
    const picks = [0, 1].map((place) => h("select", { class: "quiet", "aria-label": place ? "Second" : "First", onchange: (event) => table().setPair(place, event.target.value) }));
    const strengths = {
      onion: Stir.slider("How much of the second", { min: 0, max: 1, step: 0.05, value: 0.5 }, (value) => table().setStrength("onion", value)),
      difference: Stir.slider("Amplified", { min: 1, max: 16, step: 1, value: 4 }, (value) => table().setStrength("amplify", value)),
    };
    const both = h("div", { class: "pair-picks", hidden: true }, picks[0], h("span", { "aria-hidden": "true" }, "over"), picks[1], strengths.onion, strengths.difference);
    const loupe = Stir.button("Loupe", { class: "ghost", "aria-keyshortcuts": "Z", onclick: () => table().setZoom() }, "loupe");
    const photo = Stir.button("The photo", { class: "ghost", onclick: () => table().toggle("photo") }, "photo");
    const keys = h("details", { class: "keys" }, h("summary", {}, "Keys"), h("div", { class: "keys-sheet" }, h("dl", {}, KEYS.flatMap(([key, does]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, does)])), h("p", {}, "They work while no text field has the keyboard.")));
    const tools = h("div", { class: "compare-tools" }, modes.node, both, h("span", { class: "grow" }), photo, loupe, keys);

    function paint() {
      const { at, frame, frames, playing } = clock;
      if (play.dataset.on !== String(playing)) {
        play.dataset.on = String(playing);
        play.replaceChildren(icon(playing ? "pause" : "play"));
        play.setAttribute("aria-label", playing ? "Pause" : "Play");
      }
      scrub.max = frames - 1;
      scrub.value = frame;
      scrub.style.setProperty("--at", (frames > 1 ? frame / (frames - 1) : 0) * 100 + "%");
      const now = performance.now();
      if (playing && now - said < SAID / 4) return;
      time.textContent = clock.duration ? `${at.toFixed(2)} s · ${frame + 1}/${frames}` : "";
      wait.hidden = clock.waiting < PATIENT;
      if (playing && now - said < SAID) return;
      said = now;
      scrub.setAttribute("aria-valuetext", `${at.toFixed(2)} seconds, frame ${frame + 1} of ${frames}`);
    }
    function setLoop(value) {
      looping = value;
      memory.set("compare-loop", value);
      loop.setAttribute("aria-pressed", String(value));
      clock.set({ loop: value });
    }
    const hold = () => {
      if (was === null) (was = clock.playing), was && clock.pause();
    };
    scrub.addEventListener("pointerdown", hold);
    scrub.addEventListener("input", () => {
      hold();
      clock.seek((Number(scrub.value) + 0.5) / clock.rate);
    });
    scrub.addEventListener("change", () => {
      if (was) clock.play();
      was = null;
    });
    for (const type of ["pointerup", "pointercancel"]) scrub.addEventListener(type, () => setTimeout(() => ((was && clock.play()), (was = null))));
    clock.set({ speed: Number(speed.value) || 1, short: short.value });
    setLoop(looping);
    paint();
    return {
      clock, bar, tools, keys,
      /* After the table has changed: what can be chosen now. */
      look({ mode, pair, zoom, shown, has }, hasPhoto) {
        modes.paint(mode);
        for (const one of modes.node.children) one.disabled = shown.length < 2;
        both.hidden = mode === "grid";
        for (const name of ["onion", "difference"]) strengths[name].hidden = mode !== name;
        picks.forEach((select, place) => {
          const mark = shown.map((cell) => cell.id + cell.title).join();
          if (select.dataset.mark !== mark) select.replaceChildren(...shown.map((cell, index) => h("option", { value: cell.id }, cell.state === "photo" ? cell.title : `${index + 1} ${cell.title}`)));
          select.dataset.mark = mark;
          select.value = pair[place];
        });
        loupe.setAttribute("aria-pressed", String(zoom > 1));
        loupe.classList.toggle("lit", zoom > 1);
        loupe.lastChild.textContent = zoom > 1 ? `Loupe ${zoom}×` : "Loupe";
        photo.hidden = !hasPhoto;
        photo.setAttribute("aria-pressed", String(has("photo")));
        photo.classList.toggle("lit", has("photo"));
        const lengths = new Set(shown.filter((cell) => cell.clip).map(({ clip }) => (clip.frames / clip.fps).toFixed(3)));
        short.hidden = lengths.size < 2;
        bar.classList.toggle("off", !clock.duration);
        for (const one of [play, back, on, scrub]) one.disabled = !clock.duration;
      },
    };
  };
})();
