/* The picture in the Finish room: the preview, the platform's safe zones and the places of the titles drawn over it, and play, sound
   and time below. What is drawn over it is never in the file. */
(() => {
  const { h, icon, file, memory } = Stir;
  const COLUMNS = ["left", "", "right"];
  const ROWS = ["top", "", "bottom"];
  const spot = (column, row) => [ROWS[row], COLUMNS[column]].filter(Boolean).join("_") || "middle";
  const SPOTS = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => spot(column, row)));
  const cell = (name) => ({ column: name.includes("left") ? 0 : name.includes("right") ? 2 : 1, row: name.includes("top") ? 0 : name.includes("bottom") ? 2 : 1 });
  const SAID = Object.fromEntries(SPOTS.map((name) => [name, name === "middle" ? "in the middle" : "at the " + name.replace("_", " ")]));
  const precise = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;

  Stir.finishSpots = { SPOTS, SAID };

  Stir.finishStage = (room) => {
    let path = "";
    let looking = false; // at the clip as it was made
    const film = h("video", { class: "finish-film", loop: true, playsinline: true, "aria-label": "Preview of the finished clip" });
    const source = h("video", { class: "finish-source", preload: "auto", muted: true, playsinline: true, hidden: true, tabindex: "-1", "aria-label": "The clip as it was made" });
    const poster = h("img", { class: "finish-film", alt: "", hidden: true });
    const zones = h("div", { class: "safe-zones" });
    const marks = h("div", { class: "title-marks" });
    const label = h("span", { class: "stage-label", hidden: true });
    const frame = h("div", { class: "finish-frame" }, poster, film, source, zones, marks, label);
    const play = h("button", { type: "button", class: "ghost tiny", id: "finish-play", onclick: () => flip() });
    const mute = h("button", { type: "button", class: "ghost tiny", id: "finish-mute", onclick: () => ((film.muted = !film.muted), memory.set("finish-muted", film.muted), paintBar()) });
    const at = Stir.slider("Moment", { id: "finish-moment", min: 0, max: 1, step: 0.01 }, (seconds) => seek(seconds));
    const clock = h("span", { class: "finish-clock" });
    const places = Stir.menu("Made for", [["", "No place"], ...room.given.places.map((one) => [one.id, one.title])], "", (id) => room.set({ platform: id }, "where it goes"), { class: "quiet", id: "finish-place" });
    const safe = Stir.toggle("Safe zones", memory.get("safe-zones", true), (on) => (memory.set("safe-zones", on), paint()), { id: "safe-zones", title: "What the place draws over the clip. Shown here, never in the file" });
    const covers = h("p", { class: "why zone-words" });
    const bar = h("div", { class: "finish-bar" }, play, mute, at, clock);
    const node = h("div", { class: "finish-stage" }, h("div", { class: "finish-easel" }, frame), bar, h("div", { class: "row finish-where" }, places, safe, covers));

    film.muted = memory.get("finish-muted", false);
    const seconds = () => film.duration || room.facts?.seconds || 0;
    function flip() {
      if (film.paused) film.play().catch(() => {});
      else film.pause();
    }
    function seek(to) {
      look(null);
      film.pause();
      film.currentTime = Stir.clamp(to, 0, Math.max(0, seconds() - 0.02));
      paintBar();
    }
    function look(to) {
      looking = to !== null;
      if (!looking) return void (source.hidden = true);
      film.pause();
      source.currentTime = to; // seen once it is there
      label.hidden = false;
      label.textContent = "As it was made, " + precise(to);
    }
    function paintBar() {
      const playing = !film.paused;
      play.replaceChildren(icon(playing ? "pause" : "play"));
      play.setAttribute("aria-label", playing ? "Pause" : "Play");
      play.title = (playing ? "Pause" : "Play") + " (space)";
      mute.replaceChildren(icon(film.muted ? "silent" : "sound"));
      mute.setAttribute("aria-label", film.muted ? "Sound on" : "Sound off");
      mute.title = mute.getAttribute("aria-label");
      at.max = Math.max(0.1, seconds());
      at.paint(film.currentTime);
      at.setAttribute("aria-valuetext", precise(film.currentTime));
      clock.textContent = `${precise(film.currentTime)} / ${precise(seconds())}`;
      Stir.emit("finish-time", film.currentTime);
    }
    for (const type of ["play", "pause", "timeupdate", "loadedmetadata", "seeked"]) film.addEventListener(type, paintBar);
    source.addEventListener("seeked", () => (source.hidden = !looking));
    film.addEventListener("loadeddata", () => (poster.hidden = true));

    // Drawn over it --------------------------------------------------------------------------------------------------
    function paintZones() {
      const { place } = room;
      const shape = room.facts ? room.facts.width / room.facts.height : room.card.width / room.card.height;
      const [wide, tall] = (place?.aspect ?? "").split(":").map(Number);
      const fits = !tall || Math.abs(shape / (wide / tall) - 1) < 0.1; // else what it covers lies elsewhere
      const shown = (fits && place?.covers) || [];
      const on = safe.querySelector("input").checked;
      safe.hidden = !shown.length;
      zones.hidden = !on;
      zones.replaceChildren(...shown.map((zone) => h("div", { class: zone.w < 0.2 && zone.h > zone.w ? "safe-zone narrow" : "safe-zone", style: { left: zone.x * 100 + "%", top: zone.y * 100 + "%", width: zone.w * 100 + "%", height: zone.h * 100 + "%" } }, h("span", {}, zone.what))));
      const taken = fits || (place.shapes && place.shapes[0] <= shape && shape <= place.shapes[1]);
      covers.textContent = !taken ? `${place.label} shows ${place.aspect}; this clip has another shape.` : shown.length && on ? `${place.label} draws over it: ${[...new Set(shown.map((zone) => zone.what))].join("; ")}. Never in the file.` : "";
    }
    /* A box for each title and the logo, to be dragged to one of nine places. */
    function paintMarks() {
      const inside = room.facts?.area ?? { left: 0.06, top: 0.06, right: 0.94, bottom: 0.94, middle: 0.5 }; // where text stands, in fractions of the frame
      const made = [
        ...room.finish.titles.map((one, index) => ({ words: one.text || "Title", font: one.font, name: one.place || room.given.usual[one.kind], size: one.size || room.given.sizes[one.kind], move: (name) => move("titles", index, name), what: `“${one.text}”`, kind: "title", stands: stands(one, index) })),
        ...(room.finish.logo ? [{ words: "Logo", name: room.finish.logo.place, size: room.finish.logo.size, move: (name) => room.set({ logo: { ...room.finish.logo, place: name } }, "the logo's place"), what: "The logo", kind: "logo" }] : []),
      ];
      const held = document.activeElement?.dataset?.mark;
      marks.hidden = document.querySelector(".finish-sheet")?.dataset.tab !== "titles";
      marks.replaceChildren(...made.map((one, index) => mark(one, index, inside)));
      if (held !== undefined) marks.querySelector(`[data-mark="${held}"]`)?.focus({ preventScroll: true });
    }
    /* Where the preview has drawn a title, unless it was changed since. */
    function stands(one, index) {
      const found = room.facts?.titles?.[index];
      return found && ["text", "place", "kind", "font", "size", "start", "end"].every((name) => found.of[name] === one[name]) ? found : null;
    }
    function move(field, index, name) {
      room.set({ [field]: room.finish[field].map((one, at) => (at === index ? { ...one, place: name } : one)) }, "a title's place");
    }
    function mark(one, index, inside) {
      const { column, row } = cell(one.name);
      const node = h("button", { type: "button", class: "title-mark " + one.kind, "data-mark": index, "data-column": column, "data-row": row, "data-font": one.font, "aria-label": `${one.what}, ${SAID[one.name]}. Arrow keys move it`, title: "Drag it, or press an arrow key" }, h("span", {}, one.words));
      const short = Math.min(frame.clientWidth, frame.clientHeight);
      node.style.setProperty("--size", one.size * short + "px");
      Object.assign(node.style, one.stands ? lie(one.stands) : place(column, row, inside));
      node.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (!by) return;
        event.preventDefault();
        event.stopPropagation();
        one.move(spot(Stir.clamp(column + by[0], 0, 2), Stir.clamp(row + by[1], 0, 2)));
      });
      node.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        node.focus({ preventScroll: true });
        node.setPointerCapture(event.pointerId);
        let name = one.name;
        marks.classList.add("dragging");
        const drag = ({ clientX, clientY }) => {
          const box = frame.getBoundingClientRect();
          const part = (value, low, high) => Stir.clamp(Math.floor(((value - low) / (high - low)) * 3), 0, 2);
          const to = { column: part((clientX - box.x) / box.width, inside.left, inside.right), row: part((clientY - box.y) / box.height, inside.top, inside.bottom) };
          name = spot(to.column, to.row);
          Object.assign(node.style, { width: "", height: "" }, place(to.column, to.row, inside));
          Object.assign(node.dataset, to);
        };
        const drop = () => (node.removeEventListener("pointermove", drag), marks.classList.remove("dragging"), one.move(name));
        node.addEventListener("pointermove", drag);
        node.addEventListener("pointerup", drop, { once: true });
        node.addEventListener("pointercancel", drop, { once: true });
      });
      return node;
    }
    function lie({ x, y, w, h }) {
      return { left: `calc(${x * 100}% - 6px)`, top: `calc(${y * 100}% - 4px)`, width: `calc(${w * 100}% + 12px)`, height: `calc(${h * 100}% + 8px)`, overflow: "hidden" };
    }
    function place(column, row, inside) {
      const x = [inside.left, inside.middle, inside.right][column];
      const y = [inside.top, Stir.clamp(0.5, inside.top, inside.bottom), inside.bottom][row];
      return { left: x * 100 + "%", top: y * 100 + "%", transform: `translate(${[0, -50, -100][column]}%, ${[0, -50, -100][row]}%)`, maxWidth: (inside.right - inside.left) * 100 + "%" };
    }
    function paint() {
      places.value = room.finish.platform;
      paintZones();
      paintMarks();
      paintBar();
    }
    return {
      node, paint, seek, look,
      time: () => film.currentTime,
      begin() {
        const card = room.card;
        path = "";
        film.removeAttribute("src");
        film.load();
        poster.src = file(card.poster);
        poster.hidden = false;
        const moving = ["gif", "webp"].includes(card.format);
        if (moving) source.removeAttribute("src");
        else source.src = file(card.file);
        source.hidden = true;
        frame.style.setProperty("--shape", card.width / card.height);
        paintBar();
      },
      busy(on) {
        label.hidden = !on;
        label.textContent = "Drawing the preview…";
        label.classList.toggle("busy", on);
      },
      show(answer) {
        look(null);
        frame.style.setProperty("--shape", answer.width / answer.height);
        if (answer.path === path) return;
        const part = film.duration ? film.currentTime / film.duration : 0;
        const plays = path ? !film.paused : !Stir.calm();
        path = answer.path;
        film.src = file(path);
        film.addEventListener("loadedmetadata", () => {
          const words = room.finish.titles.at(-1); // which come and go, so that the first frame shows none
          film.currentTime = part * film.duration || (words && !plays ? Math.min(words.start + words.fade + 0.1, film.duration / 2) : 0);
          if (plays) film.play().catch(() => ((film.muted = true), film.play().catch(() => {}))); // a browser may want a press before sound
        }, { once: true });
      },
      rest: () => film.pause(),
      /* Keys of the room that are no field's own. */
      key(event) {
        const own = event.target.closest("input, textarea, select, button, [role=slider], summary");
        if (event.key !== " " || own || event.altKey || event.ctrlKey || event.metaKey) return false;
        event.preventDefault();
        flip();
        return true;
      },
    };
  };
})();
