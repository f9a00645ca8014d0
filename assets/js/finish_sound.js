/* Sound in the Finish room: the clip's own, music and a voice with their waveform, sounds made here, and how loud it all becomes. */
(() => {
  const { h, icon, file } = Stir;
  const KINDS = "audio/*,.wav,.mp3,.m4a,.aac,.ogg,.flac";
  const BARS = 160;
  const AMBIENCE = {
    water: ["Water", "M2 10c2-2 4-2 6 0s4 2 6 0M2 13c2-2 4-2 6 0s4 2 6 0M8 2c2 2.4 2.6 3.6 2.6 4.6a2.6 2.6 0 0 1-5.2 0C5.4 5.6 6 4.4 8 2z"],
    wind: ["Wind", "M2 6h8a2 2 0 1 0-2-2M2 9h10.500a2 2 0 1 1-2 2M2 12h4.500a1.6 1.6 0 1 1-1.6 1.6"],
    rain: ["Rain", "M4.5 8a2.8 2.8 0 1 1 .6-5.500A3.5 3.5 0 0 1 11.8 3.8 2.2 2.2 0 1 1 12 8zM5 10.500l-1 3M8.5 10.500l-1 3M12 10.500l-1 3"],
    fire: ["Fire", "M8 14a4 4 0 0 1-4-4c0-3 3-4 3-8 2.5 1.5 3 3.5 2.5 5 1-.4 1.3-1.3 1.3-2C12.5 6.5 13 8.5 12 10.500A4 4 0 0 1 8 14z"],
    room: ["Room tone", "M2.5 13.500V4L8 2l5.5 2v9.500zM6.5 13.500V9h3v4.5"],
  };
  const decibels = (value) => `${value > 0 ? "+" : ""}${value.toFixed(0)} dB`;
  const fades = (value) => (value ? value.toFixed(1) + " s" : "No");
  const waves = new Map(); // id of a kept sound → its peaks, 0 to 1, and its address
  function picture(path) {
    const svg = icon("sound", 24);
    svg.firstChild.setAttribute("d", path);
    return svg;
  }

  /* The loudest sample in each of BARS parts of a sound. */
  async function measure(path) {
    const bytes = await (await fetch(path)).arrayBuffer();
    const reader = new OfflineAudioContext(1, 1, 22050);
    const sound = await reader.decodeAudioData(bytes);
    const samples = sound.getChannelData(0);
    const part = Math.max(1, Math.floor(samples.length / BARS));
    const peaks = Array.from({ length: BARS }, (_, bar) => {
      let most = 0;
      for (let at = bar * part; at < Math.min(samples.length, (bar + 1) * part); at += 4) most = Math.max(most, Math.abs(samples[at]));
      return most;
    });
    const top = Math.max(0.01, ...peaks);
    return peaks.map((one) => one / top);
  }

  Stir.finishSound = (room) => {
    const keep = Stir.toggle("Keep the clip's own sound", true, (on) => mix({ keep: on }, "the clip's own sound"), { id: "mix-keep" });
    const music = track("music", "Music", "Choose music", false);
    const voice = track("voice", "Voice", "Choose a file", true);
    const duck = Stir.finishSlider("Others step back", { id: "mix-duck" }, (value) => (value ? Math.round(value * 100) + " %" : "No"), (value) => mix({ duck: value }, "ducking"));
    duck.node.title = "How far everything else steps back while the voice speaks";
    voice.more.append(duck.node);
    const tiles = h("div", { class: "finish-tiles ambience", role: "group", "aria-label": "Sounds made here" });
    const amounts = h("div", { class: "ambience-amounts" });
    const fitting = h("p", { class: "why" });
    const loud = Stir.toggle("", true, (on) => mix({ loudness: on }, "loudness"), { id: "mix-loudness" });
    const loudWhy = h("p", { class: "why", id: "loudness-words" });
    const node = h("div", { class: "finish-tool" }, h("section", {}, keep), music.node, voice.node, h("section", {}, h("h3", {}, "Sounds made here"), tiles, amounts, fitting), h("section", {}, h("h3", {}, "Loudness"), loud, loudWhy));

    function mix(change, words) {
      room.set({ mix: { ...room.finish.mix, ...change } }, words);
    }
    // A track ----------------------------------------------------------------------------------------------------------
    function track(slot, title, add, records) {
      const now = () => room.finish.mix[slot];
      const put = (change, words) => mix({ [slot]: { ...now(), ...change } }, words);
      const input = h("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", id: `mix-${slot}-input`, accept: KINDS });
      const choose = Stir.button(add, { class: "solid", id: `mix-${slot}`, onclick: () => input.click() }, "folder");
      const note = Stir.note();
      const speak = records ? Stir.button("Record", { class: "solid record", onclick: () => (note.clear(), recorder.flip()) }) : null;
      const recorder = speak && Stir.voiceRecorder({ hear: (one) => take(one), refuse: note.show, paint: (seconds) => {
        speak.classList.toggle("recording", seconds !== null);
        speak.lastChild.textContent = seconds === null ? "Record" : `Stop, ${Stir.clock(seconds)}`;
        choose.hidden = seconds !== null;
      } });
      const drop = h("div", { class: "sound-drop" }, h("div", { class: "row" }, speak, choose), h("span", { class: "why" }, "or drop a WAV, MP3, M4A, FLAC or OGG here"));
      const name = h("span", { class: "attached-name" });
      const away = h("button", { type: "button", class: "ghost tiny", "aria-label": `Remove: ${title}`, onclick: () => (mix({ [slot]: null }, title.toLowerCase()), choose.focus()) }, icon("close", 12));
      const canvas = h("canvas", { class: "wave", "aria-hidden": "true" });
      const knob = h("div", { class: "wave-in", role: "slider", tabindex: "0", "aria-label": `${title} begins at`, title: "Where in it the sound begins: drag it, or use the arrow keys" });
      const used = h("i", { class: "wave-used" });
      const board = h("div", { class: "wave-board" }, canvas, used, knob);
      const told = h("p", { class: "why" });
      const into = Stir.finishSlider("Fade in", { min: 0, max: 10, step: 0.1, id: `${slot}-fade-in` }, fades, (value) => put({ fade_in: value }, `${slot}: fade in`));
      const out = Stir.finishSlider("Fade out", { min: 0, max: 10, step: 0.1, id: `${slot}-fade-out` }, fades, (value) => put({ fade_out: value }, `${slot}: fade out`));
      const gain = Stir.finishSlider("Level", { min: -40, max: 20, step: 1, id: `${slot}-gain` }, decibels, (value) => put({ gain: value }, `${slot}: level`));
      const loops = Stir.toggle("Again when it is over", true, (on) => put({ loop: on }, `${slot}: again`), { title: "Loops until the clip ends" });
      const more = h("div", { class: "track-more" }, h("div", { class: "row between" }, name, away), board, told, into.node, out.node, gain.node, records ? null : loops);
      const node = h("section", { class: "track", id: `track-${slot}`, "aria-label": title }, h("h3", {}, title), drop, more, note.node, input);
      let shown = "";

      const take = Stir.finishFile({ node, input, note, room, kind: "audio" }, (attachment) => mix({ [slot]: { ...(now() ?? room.given.track), loop: !records, attachment } }, title.toLowerCase()));
      async function see(one) {
        if (!waves.has(one.id)) {
          const answer = await room.server.see_attachment({ id: one.id }).catch(() => null);
          if (!answer || answer.refusal) return answer && note.show(answer.refusal);
          waves.set(one.id, []);
          waves.set(one.id, await measure(file(answer.path)).catch(() => []));
        }
        if (now()?.attachment.id === one.id) drawWave();
      }
      /* The whole sound, what is used of it in ink. */
      function drawWave() {
        const peaks = waves.get(now().attachment.id) ?? [];
        const [wide, high, dense] = [board.clientWidth || 320, 48, Math.min(2, devicePixelRatio || 1)];
        Object.assign(canvas, { width: wide * dense, height: high * dense });
        const brush = canvas.getContext("2d");
        brush.fillStyle = getComputedStyle(node).color;
        peaks.forEach((peak, bar) => {
          const tall = Math.max(1, peak * high * dense * 0.9);
          brush.fillRect((bar / BARS) * canvas.width, (canvas.height - tall) / 2, Math.max(1, canvas.width / BARS - dense), tall);
        });
      }
      const long = () => now().attachment.seconds;
      const begin = (seconds) => put({ start: Math.round(Stir.clamp(seconds, 0, Math.max(0, long() - 0.1)) * 100) / 100 }, `${slot}: beginning`);
      knob.addEventListener("keydown", (event) => {
        const by = event.shiftKey ? 5 : 0.1;
        const to = { ArrowLeft: now().start - by, ArrowRight: now().start + by, ArrowDown: now().start - by, ArrowUp: now().start + by, Home: 0, End: long() }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        begin(to);
      });
      board.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        knob.focus({ preventScroll: true });
        board.setPointerCapture(event.pointerId);
        const drag = ({ clientX }) => {
          const box = board.getBoundingClientRect();
          begin(((clientX - box.x) / box.width) * long());
        };
        drag(event);
        board.addEventListener("pointermove", drag);
        for (const type of ["pointerup", "pointercancel"]) board.addEventListener(type, () => board.removeEventListener("pointermove", drag), { once: true });
      });
      function paint() {
        const one = now();
        drop.hidden = Boolean(one);
        more.hidden = !one;
        if (!one) return void (shown = "");
        name.textContent = `${one.attachment.name}, ${Number(long().toFixed(1))} s`;
        into.paint(one.fade_in);
        out.paint(one.fade_out);
        gain.paint(one.gain);
        loops.paint(one.loop);
        const clip = room.facts?.seconds ?? room.card.seconds;
        const share = one.start / long();
        knob.style.left = share * 100 + "%";
        Object.assign(used.style, { left: share * 100 + "%", right: Math.max(0, 1 - share - clip / long()) * 100 + "%" });
        knob.setAttribute("aria-valuemin", 0);
        knob.setAttribute("aria-valuemax", long());
        knob.setAttribute("aria-valuenow", one.start);
        knob.setAttribute("aria-valuetext", `${one.start.toFixed(1)} s`);
        const left = long() - one.start;
        told.textContent = `Begins at ${one.start.toFixed(1)} s${left < clip - 0.05 ? (one.loop ? `; ${left.toFixed(1)} s of it go round until the clip ends` : `; ends after ${left.toFixed(1)} s`) : ""}.`;
        if (shown !== one.attachment.id) (shown = one.attachment.id), see(one.attachment);
      }
      return { node, more, take, paint, rest: () => recorder?.stop(), begin: () => ((shown = ""), note.clear()) };
    }

    // Sounds made here ---------------------------------------------------------------------------------------------------
    const heard = (kind) => room.finish.mix.ambience.find((one) => one.kind === kind);
    const others = (kind) => room.finish.mix.ambience.filter((one) => one.kind !== kind);
    for (const [kind, [words, path]] of Object.entries(AMBIENCE))
      tiles.append(h("button", { type: "button", class: "tile finish-tile", "data-ambience": kind, onclick: () => mix({ ambience: heard(kind) ? others(kind) : [...room.finish.mix.ambience, { kind, amount: 0.5 }] }, words.toLowerCase()) }, h("span", { class: "loop-picture" }, picture(path)), h("span", { class: "tile-name" }, words)));
    const sliders = Object.fromEntries(Object.entries(AMBIENCE).map(([kind, [words]]) => [kind, Stir.finishSlider(words, { id: "ambience-" + kind, min: 0.05 }, (value) => Math.round(value * 100) + " %", (value) => mix({ ambience: room.finish.mix.ambience.map((one) => (one.kind === kind ? { kind, amount: value } : one)) }, words.toLowerCase()))]));
    amounts.append(...Object.values(sliders).map((one) => one.node));

    function paint() {
      const { mix: now } = room.finish;
      keep.paint(now.keep);
      music.paint();
      voice.paint();
      duck.paint(now.duck);
      const fits = room.source.fitting;
      for (const one of tiles.children) {
        one.setAttribute("aria-pressed", String(Boolean(heard(one.dataset.ambience))));
        one.classList.toggle("fits", fits.includes(one.dataset.ambience));
      }
      for (const [kind, one] of Object.entries(sliders)) {
        one.node.hidden = !heard(kind);
        if (heard(kind)) one.paint(heard(kind).amount);
      }
      fitting.textContent = `Synthesised here, of no recording, so free of rights.${fits.length ? ` The dot marks what fits this clip: ${fits.map((kind) => AMBIENCE[kind][0].toLowerCase()).join(", ")}.` : ""}`;
      const place = room.place;
      loud.lastChild.textContent = place?.loudness ? `As loud as ${place.label} plays: ${place.loudness} LUFS` : "As loud as most places play";
      loud.paint(now.loudness);
      loudWhy.textContent = room.facts?.loudness ? `Measured in the preview: ${room.facts.loudness}.` : "";
    }
    return { node, take: music.take, paint, rest: () => (music.rest(), voice.rest()), begin: () => (music.begin(), voice.begin()) };
  };
})();
