/* The timeline of the Finish room: the clip as it was made as a strip of its frames, with a handle at either end of what is used and
   the moment that is shown. */
(() => {
  const { h, file } = Stir;
  const FRAMES = 12;
  const HIGH = 56; // px
  const LEAST = 0.2; // s that are left at least
  const precise = (seconds) => `${Number(seconds.toFixed(2))} s`;

  /* How a finished second goes back to one of the clip as it was made, as fractions; null where it is of a later stage. */
  Stir.sourceMoment = (finish, part) => {
    const there = finish.loop === "ping_pong" ? 1 - Math.abs(2 * part - 1) : part;
    const slow = Stir.speedCurve(finish.speed);
    const steps = 64;
    let [sum, whole] = [0, 0];
    for (let step = 0; step < steps; step++) whole += 1 / slow((step + 0.5) / steps);
    for (let step = 0; step < steps; step++) {
      sum += 1 / slow((step + 0.5) / steps);
      if (sum >= there * whole - 1e-9) return finish.reverse ? 1 - (step + 1) / steps : (step + 1) / steps;
    }
    return finish.reverse ? 0 : 1;
  };

  Stir.finishTimeline = (room) => {
    let long = 1; // seconds of the clip as it was made
    let turn = 0;
    const strip = h("canvas", { class: "tl-strip", "aria-hidden": "true" });
    const before = h("i", { class: "tl-out" });
    const after = h("i", { class: "tl-out" });
    const head = h("i", { class: "tl-head" });
    const handle = (which, words) => h("div", { class: "tl-handle " + which, role: "slider", tabindex: "0", id: "trim-" + which, "aria-label": words, title: `Drag it; arrow keys go by a frame, with Shift by half a second; ${which === "start" ? "I" : "O"} brings it to the moment shown` }, h("i"));
    const opening = handle("start", "Beginning");
    const ending = handle("end", "End");
    const kept = h("i", { class: "tl-window" });
    const clips = h("div", { class: "tl-clips", "aria-hidden": "true" });
    const track = h("div", { class: "tl-track" }, strip, clips, before, after, kept, head, opening, ending);
    const from = h("span", {});
    const to = h("span", {});
    const middle = h("span", { class: "tl-kept" });
    const node = h("div", { class: "timeline", role: "group", "aria-label": "Timeline" }, track, h("div", { class: "tl-times" }, from, middle, to));

    const trim = () => ({ start: room.finish.trim?.start ?? 0, end: room.finish.trim?.end || long });
    function set(start, end) {
      const whole = start <= 0.001 && end >= long - 0.001;
      room.set({ trim: whole ? null : { start: Math.round(start * 1000) / 1000, end: end >= long - 0.001 ? 0 : Math.round(end * 1000) / 1000 } }, "the cut");
    }
    function move(which, to) {
      const now = trim();
      if (which === "start") set(Stir.clamp(to, 0, now.end - LEAST), now.end);
      else set(now.start, Stir.clamp(to, now.start + LEAST, long));
      room.look(Math.min(trim()[which], long - 0.04));
    }
    for (const [one, which] of [[opening, "start"], [ending, "end"]]) {
      one.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        one.focus({ preventScroll: true });
        one.setPointerCapture(event.pointerId);
        const drag = ({ clientX }) => {
          const box = track.getBoundingClientRect();
          move(which, ((clientX - box.x) / box.width) * long);
        };
        const drop = () => (one.removeEventListener("pointermove", drag), room.look(null));
        one.addEventListener("pointermove", drag);
        one.addEventListener("pointerup", drop, { once: true });
        one.addEventListener("pointercancel", drop, { once: true });
      });
      one.addEventListener("keydown", (event) => {
        const by = event.shiftKey ? 0.5 : 1 / room.card.fps;
        const now = trim()[which];
        const to = { ArrowLeft: now - by, ArrowDown: now - by, ArrowRight: now + by, ArrowUp: now + by, Home: which === "start" ? 0 : trim().start + LEAST, End: which === "end" ? long : trim().end - LEAST }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        move(which, to);
      });
      one.addEventListener("blur", () => room.look(null));
    }
    /* A press on the strip shows the finished moment nearest to it. */
    track.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".tl-handle") || !room.facts) return;
      const box = track.getBoundingClientRect();
      if (room.isReel()) return room.seek(((event.clientX - box.x) / box.width) * room.facts.seconds);
      const { start, end } = trim();
      const part = Stir.clamp((((event.clientX - box.x) / box.width) * long - start) / (end - start), 0, 1);
      let best = 0;
      for (let step = 1; step <= 100; step++) if (Math.abs(Stir.sourceMoment(room.finish, step / 100) - part) < Math.abs(Stir.sourceMoment(room.finish, best) - part)) best = step / 100;
      room.seek(best * (room.facts.seconds - room.finish.hold));
    });
    Stir.on("finish-time", (seconds) => {
      if (!room.facts || !room.finish) return;
      const base = Math.max(0.01, room.facts.seconds - room.finish.hold);
      const { start, end } = trim();
      const part = room.isReel() ? seconds / room.facts.seconds : (start + Stir.sourceMoment(room.finish, Stir.clamp(seconds / base, 0, 1)) * (end - start)) / long;
      head.style.left = part * 100 + "%";
    });
    function paint() {
      if (room.isReel()) return paintClips();
      const { start, end } = trim();
      before.style.width = (start / long) * 100 + "%";
      after.style.width = (1 - end / long) * 100 + "%";
      Object.assign(kept.style, { left: (start / long) * 100 + "%", right: (1 - end / long) * 100 + "%" });
      for (const [one, value] of [[opening, start], [ending, end]]) {
        one.style.left = (value / long) * 100 + "%";
        one.setAttribute("aria-valuemin", 0);
        one.setAttribute("aria-valuemax", long);
        one.setAttribute("aria-valuenow", value);
        one.setAttribute("aria-valuetext", precise(value));
      }
      from.textContent = precise(start);
      to.textContent = precise(end);
      middle.textContent = end - start < long - 0.001 ? `${precise(end - start)} of ${precise(long)} used` : `${precise(long)}, as it was made`;
    }
    /* A reel: its clips one after the other, as long as they are. */
    function paintClips() {
      const all = room.finish.clips.map((id) => room.clips.find((one) => one.id === id));
      const seen = room.finish.clips.join();
      if (clips.dataset.seen !== seen) clips.replaceChildren(...all.map((one) => h("img", { src: file(one.thumb), alt: "", style: { "flex-grow": one.seconds } })));
      clips.dataset.seen = seen;
      from.textContent = `${all.length} clips`;
      middle.textContent = "";
      to.textContent = room.facts ? precise(room.facts.seconds) : "";
    }
    /* The frames, one after the other; those of a clip that is opened later take over. */
    async function drawFrames() {
      const mine = ++turn;
      const card = room.card;
      const [wide, high] = [track.clientWidth || 640, HIGH];
      const dense = Math.min(2, devicePixelRatio || 1);
      Object.assign(strip, { width: wide * dense, height: high * dense });
      const brush = strip.getContext("2d");
      const each = strip.width / FRAMES;
      const stamp = (picture, at, width, height) => {
        const scale = Math.max(each / width, strip.height / height);
        brush.save();
        brush.beginPath();
        brush.rect(at * each, 0, each, strip.height);
        brush.clip();
        brush.drawImage(picture, at * each + (each - width * scale) / 2, (strip.height - height * scale) / 2, width * scale, height * scale);
        brush.restore();
      };
      const still = new Image();
      still.src = file(card.thumb);
      await still.decode().catch(() => {});
      if (mine !== turn || !still.naturalWidth) return;
      for (let at = 0; at < FRAMES; at++) stamp(still, at, still.naturalWidth, still.naturalHeight);
      if (["gif", "webp"].includes(card.format)) return;
      const reader = h("video", { muted: true, playsinline: true, preload: "auto", src: file(card.file) });
      await new Promise((go) => (reader.addEventListener("loadeddata", go, { once: true }), reader.addEventListener("error", go, { once: true })));
      for (let at = 0; at < FRAMES && mine === turn && reader.videoWidth; at++) {
        reader.currentTime = ((at + 0.5) / FRAMES) * reader.duration;
        await new Promise((go) => (reader.addEventListener("seeked", go, { once: true }), setTimeout(go, 1000)));
        if (mine === turn) stamp(reader, at, reader.videoWidth, reader.videoHeight);
      }
      reader.removeAttribute("src");
      reader.load();
    }
    return {
      node, paint,
      /* I and O: what is used begins or ends at the moment shown. */
      key(event) {
        const which = { i: "start", o: "end" }[event.key.toLowerCase()];
        if (!which || room.isReel() || !room.facts || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("textarea, select, input:not([type=range])")) return;
        event.preventDefault();
        const { start, end } = trim();
        const part = Stir.clamp(room.time() / Math.max(0.01, room.facts.seconds - room.finish.hold), 0, 1);
        move(which, start + Stir.sourceMoment(room.finish, part) * (end - start));
        room.look(null);
      },
      begin() {
        long = room.card.seconds;
        const reel = room.isReel();
        clips.hidden = !reel;
        for (const one of [strip, before, after, kept, opening, ending]) one.hidden = reel;
        if (!reel) requestAnimationFrame(drawFrames);
      },
    };
  };
})();
