/* The cells of a comparison that are looked at together: as a grid, or two laid over each other with a wipe, as onion skin or as
   their difference; on a phone one after the other. Opens players for what is seen, and closes them. */
(() => {
  const { h, clamp, memory } = Stir;
  const MOST = 6; // clips at once
  const STEP = 0.02; // of the width, for one press of an arrow key
  const ZOOMS = [1, 2, 4];
  const GAP = 12;
  const ROOM = 60; // pixels that the words of a cell take at least
  const ALIKE = 0.01; // of its shape that a clip may be cut to fill its face: what whole pixels leave
  const LEAST = 120; // pixels of a face's height
  const phone = matchMedia("(max-width: 760px)");

  /* `room` has {server, photo(), pick(cell), retry(cell, press), changed()}; `clock` drives the players. */
  Stir.compareTable = (clock, room) => {
    const cells = new Map(); // cell id → its cell on the page
    let all = []; // what there is, in its order
    let chosen = []; // the ids of those on the table
    let winner = "";
    let key = ""; // of the comparison, for what is remembered
    let mode = "grid";
    let pair = ["", ""];
    let at = 0.5; // where the wipe stands
    let heard = "";
    let zoom = 1;
    let around = new Set(); // cells that are in sight
    let words = ROOM; // pixels below a face
    let axes = null; // {columns, rows} of a comparison along two axes
    let fixed = null; // {across, down, columns}, where the cells lie as they lie along the axes, and what is besides to their right
    const list = h("ol", { class: "light-table", "aria-label": "Clips side by side" });
    const divider = h("div", { class: "wipe-divider", role: "slider", tabindex: "0", "aria-label": "Wipe between the two", "aria-orientation": "horizontal", "aria-valuemin": "0", "aria-valuemax": "100", hidden: true }, h("i"));
    const captions = h("div", { class: "pair-words", hidden: true });
    const hint = h("p", { class: "table-hint" });
    const node = h("div", { class: "table-room" }, list, divider, captions, hint);

    const entry = (id) => all.find((cell) => cell.id === id);
    const onTable = () => chosen.map(entry).filter(Boolean);
    const isClip = (cell) => cell.state !== "photo";
    const seen = () => (mode === "grid" ? chosen : pair.filter((id) => cells.has(id)));

    /* Another state of the comparison, or another one. */
    function show(comparison, order, along) {
      const fresh = key !== comparison.id;
      key = comparison.id;
      winner = comparison.winner;
      all = order;
      axes = along;
      if (fresh) {
        chosen = memory.get("table-" + key, []);
        mode = "grid";
        zoom = 1;
        heard = "";
      }
      const known = new Set(all.map((cell) => cell.id));
      chosen = chosen.filter((id) => known.has(id));
      if (!chosen.length) chosen = [...all.filter(isClip).slice(0, MOST), ...all.filter((cell) => !isClip(cell) && cell.id !== "photo")].map((cell) => cell.id);
      arrange();
    }
    function arrange() {
      const shown = onTable();
      const clips = all.filter((cell) => chosen.includes(cell.id) && isClip(cell));
      layAlong(clips);
      chosen = [...clips, ...shown.filter((cell) => !isClip(cell))].map((cell) => cell.id);
      for (const [id, one] of cells) if (!chosen.includes(id)) one.player && clock.remove(one.player), one.remove(), watch.unobserve(one.node), cells.delete(id);
      chosen.forEach((id, index) => {
        if (!cells.has(id)) {
          const one = Stir.compareCell(entry(id), { ...room, hear });
          cells.set(id, one);
          watch.observe(one.node);
        }
        const one = cells.get(id);
        one.paint(entry(id), isClip(entry(id)) ? index + 1 : 0, winner && winner === id);
        if (list.children[index] !== one.node) list.insertBefore(one.node, list.children[index] ?? null);
      });
      if (!pair.every((id) => cells.has(id)) || pair[0] === pair[1]) pair = [chosen[0] ?? "", chosen[1] ?? ""];
      if (mode !== "grid" && chosen.length < 2) mode = "grid";
      clock.plan(onTable().filter((cell) => cell.clip).map(({ clip }) => ({ seconds: clip.frames / clip.fps, fps: clip.fps })));
      paint();
    }
    /* All cells of a small grid lie as they lie along its axes, the first or the second of them across, whichever has more room. */
    function layAlong(clips) {
      const inside = clips.filter((cell) => cell.row >= 0).length;
      fixed = null;
      if (!axes || inside < axes.columns * axes.rows || Math.min(axes.columns, axes.rows) < 2) return;
      const ways = [[axes.columns, axes.rows], [axes.rows, axes.columns]].map(([across, down]) => ({ across, down, columns: across + Math.ceil((chosen.length - inside) / down) }));
      const [one, other] = ways.map(({ columns, down }) => measure(columns, columns * down));
      fixed = one >= other ? ways[0] : ways[1];
      const place = one >= other ? (cell) => cell.row * 100 + cell.column : (cell) => cell.column * 100 + cell.row;
      clips.sort((a, b) => (a.row < 0) - (b.row < 0) || place(a) - place(b));
    }
    /* Which players are open, and which of them the clock drives. */
    function look() {
      const wanted = new Set(seen());
      const near = phone.matches && mode === "grid" ? nearby() : new Set(chosen);
      const driven = new Set();
      for (const id of chosen) {
        const one = cells.get(id);
        const before = one.player;
        if (!near.has(id)) {
          if (before) clock.remove(before), one.release();
          continue;
        }
        const player = one.open();
        if (before && before !== player) clock.remove(before);
        if (player && player !== before) clock.add(player);
        if (player && wanted.has(id)) driven.add(player);
      }
      clock.see(driven);
      hint.textContent = [...driven].find((one) => one.hint)?.hint ?? "";
      for (const one of cells.values()) one.hear(one.id === heard && driven.has(one.player));
    }
    /* On a phone: what is in sight and its neighbours. */
    function nearby() {
      const places = chosen.map((id, index) => (around.has(id) ? index : -1)).filter((index) => index >= 0);
      const [from, to] = places.length ? [Math.min(...places) - 1, Math.max(...places) + 1] : [0, 1];
      return new Set(chosen.slice(Math.max(0, from), to + 1));
    }
    const watch = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting } of seen) isIntersecting ? around.add(target.dataset.cell) : around.delete(target.dataset.cell);
      if (!node.offsetParent) return;
      if (phone.matches) look();
    }, { threshold: 0.02 });

    function paint() {
      const paired = mode !== "grid";
      node.dataset.mode = mode;
      list.classList.toggle("paired", paired);
      for (const [id, one] of cells) {
        const place = pair.indexOf(id);
        one.node.hidden = paired && place < 0;
        one.node.dataset.place = paired && place >= 0 ? "ab"[place] : "";
        if (paired && place >= 0) captions.append(one.words);
        else one.node.append(one.words);
      }
      if (paired) captions.append(...pair.map((id) => cells.get(id)?.words).filter(Boolean));
      captions.hidden = !paired;
      divider.hidden = mode !== "wipe";
      list.classList.toggle("loupe", zoom > 1);
      list.style.setProperty("--zoom", zoom);
      wipe(at);
      fit();
      look();
      room.changed();
    }
    function wipe(next) {
      at = clamp(next, 0, 1);
      node.style.setProperty("--wipe", at * 100 + "%");
      node.style.setProperty("--at", at);
      divider.setAttribute("aria-valuenow", String(Math.round(at * 100)));
      divider.setAttribute("aria-valuetext", `${Math.round(at * 100)} % of the first, the rest of the second`);
    }
    /* The faces' shape, width over height: the clips' own, or what lies between theirs. */
    const findShape = () => {
      const shapes = onTable().filter((cell) => cell.clip).map(({ clip }) => Math.log(clip.width / clip.height));
      return shapes.length ? Math.exp(shapes.reduce((sum, one) => sum + one) / shapes.length) : 16 / 9;
    };
    /* How wide so many faces in so many columns can be. */
    function measure(columns, count) {
      const wide = node.clientWidth - (phone.matches ? 32 : 0);
      const top = node.getBoundingClientRect().top + scrollY;
      const tall = Math.max(360, innerHeight - top - (node.nextElementSibling?.offsetHeight ?? 0) - 40);
      const rows = Math.ceil(count / columns);
      return Math.min((wide - GAP * (columns - 1)) / columns, Math.max(LEAST, (tall - rows * (words + GAP)) / rows) * findShape());
    }
    /* The largest faces that find room: first as if few words stood below them, then with what those take at that width. */
    function fit() {
      words = ROOM;
      for (let pass = 0; pass < 2; pass += 1) {
        layOut();
        words = Math.max(ROOM, ...[...cells.values()].map((one) => one.words.offsetHeight)) + 8;
      }
    }
    function layOut() {
      const count = mode === "grid" ? chosen.length : 1;
      if (!count || !node.clientWidth) return;
      let best = { width: 0, columns: 1 };
      if (fixed && mode === "grid") best = { width: measure(fixed.columns, fixed.columns * fixed.down), columns: fixed.columns };
      else for (let columns = 1; columns <= count; columns += 1) {
        const width = measure(columns, count);
        if (width > best.width + 1) best = { width, columns };
      }
      chosen.forEach((id, index) => {
        const beside = fixed ? index - fixed.across * fixed.down : 0;
        const [column, row] = !fixed || mode !== "grid" ? ["", ""] : beside < 0 ? [(index % fixed.across) + 1, Math.floor(index / fixed.across) + 1] : [fixed.across + Math.floor(beside / fixed.down) + 1, (beside % fixed.down) + 1];
        Object.assign(cells.get(id).node.style, { gridColumn: column, gridRow: row });
      });
      node.style.setProperty("--face", Math.floor(best.width) + "px");
      node.style.setProperty("--columns", best.columns);
      const shape = findShape();
      node.style.setProperty("--shape", shape);
      for (const { cell, face } of cells.values()) face.classList.toggle("fills", Boolean(cell.clip) && Math.abs((cell.clip.width / cell.clip.height / shape) - 1) < ALIKE);
    }
    function hear({ id }) {
      heard = heard === id ? "" : id;
      for (const one of cells.values()) one.hear(one.id === heard);
    }

    // Two over each other ------------------------------------------------------------------------------------------------
    function drag(event) {
      const box = list.querySelector('[data-place="a"] .cell-face').getBoundingClientRect();
      wipe((event.clientX - box.left) / box.width);
    }
    let held = false;
    node.addEventListener("pointerdown", (event) => {
      if (mode !== "wipe" || !event.target.closest(".wipe-divider, .cell-face")) return;
      event.preventDefault();
      held = true;
      node.setPointerCapture(event.pointerId);
      divider.focus();
      drag(event);
    });
    node.addEventListener("pointermove", (event) => (held ? drag(event) : zoom > 1 && aim(event)));
    for (const type of ["pointerup", "pointercancel"]) node.addEventListener(type, () => (held = false));
    divider.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -STEP, ArrowRight: STEP, ArrowDown: -STEP, ArrowUp: STEP, Home: -1, End: 1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      wipe(at + by * (event.shiftKey ? 5 : 1));
    });

    // The loupe ----------------------------------------------------------------------------------------------------------
    let spot = { x: 0.5, y: 0.5 };
    function aimAt(x, y) {
      spot = { x: clamp(x, 0, 1), y: clamp(y, 0, 1) };
      list.style.setProperty("--zx", spot.x * 100 + "%");
      list.style.setProperty("--zy", spot.y * 100 + "%");
    }
    function aim(event) {
      const face = event.target.closest?.(".cell-face");
      if (!face) return;
      const box = face.getBoundingClientRect();
      aimAt((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    }

    const fitLater = Stir.later(() => node.offsetParent && fit(), 60);
    new ResizeObserver(fitLater).observe(node);
    addEventListener("resize", fitLater);
    phone.addEventListener("change", () => node.offsetParent && paint());
    return {
      node, show, look,
      setMode(next) {
        if (chosen.length < 2) return;
        mode = mode === next ? "grid" : next;
        paint();
        if (mode === "wipe") divider.focus({ preventScroll: true });
      },
      setPair(place, id) {
        if (pair[1 - place] === id) pair.reverse();
        else pair[place] = id;
        paint();
      },
      setZoom(next = ZOOMS[(ZOOMS.indexOf(zoom) + 1) % ZOOMS.length]) {
        zoom = next;
        aimAt(spot.x, spot.y);
        paint();
      },
      moveLoupe: (x, y) => aimAt(spot.x + x / zoom, spot.y + y / zoom),
      setStrength: (name, value) => node.style.setProperty("--" + name, value),
      /* Put a cell on the table, or take it away. The last of six makes room. */
      toggle(id) {
        if (chosen.includes(id)) {
          if (chosen.length > 1) chosen = chosen.filter((one) => one !== id);
        } else {
          const clips = chosen.filter((one) => isClip(entry(one)));
          if (isClip(entry(id)) && clips.length >= MOST) chosen = chosen.filter((one) => one !== clips.filter((one) => one !== winner).at(-1));
          chosen = [...chosen, id];
        }
        memory.set("table-" + key, chosen);
        arrange();
      },
      at: (number) => onTable().filter(isClip)[number - 1],
      close() {
        for (const one of cells.values()) one.player && clock.remove(one.player), one.release();
        clock.see(new Set());
      },
      /* Forget what is on it, so that nothing of one comparison is in sight when another opens. */
      clear() {
        for (const one of cells.values()) one.player && clock.remove(one.player), one.remove(), watch.unobserve(one.node);
        cells.clear();
        around = new Set();
        key = "";
        chosen = [];
      },
      get mode() { return mode; },
      get zoom() { return zoom; },
      get pair() { return pair; },
      get heard() { return heard; },
      get shown() { return onTable(); },
      get players() { return [...cells.values()].map((one) => one.player).filter(Boolean); },
      has: (id) => chosen.includes(id),
    };
  };
})();
