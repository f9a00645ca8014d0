/* Cut, speed, look and cover: the panes of the Finish room that change what is seen of a clip. */
(() => {
  const { h } = Stir;
  const LOOPS = [
    ["", "As it is", "The clip ends where it ends", "M3 18h42M45 14v8"],
    ["cut", "Best cut", "Cut where two frames are most alike, found by comparing them", "M8 18h32M40 18a8 8 0 0 0-8-10H16a8 8 0 0 0-8 10M12 12l-4 6-4-5"],
    ["dissolve", "Dissolve", "The end dissolves into the beginning", "M4 20h26M18 12h26M18 20l12-8"],
    ["flow", "Flow", "The end moves into the beginning along what moves in the picture", "M4 20c10 0 12 0 18-4s10-4 22-4M18 12c6 0 8 4 12 8"],
    ["ping_pong", "There and back", "Forwards, then backwards", "M6 12h34l-5-4M42 20H8l5 4"],
  ];
  const RAMPS = [
    ["As made", []],
    ["Half", [[0, 0.5]]],
    ["Double", [[0, 2]]],
    ["Starts slowly", [[0, 0.4], [1, 1.6]]],
    ["Ends slowly", [[0, 1.6], [1, 0.4]]],
    ["A moment", [[0, 2], [0.35, 2], [0.5, 0.35], [0.65, 2], [1, 2]]],
    ["A rush", [[0, 0.5], [0.35, 0.5], [0.5, 3], [0.65, 0.5], [1, 0.5]]],
  ];
  const [SLOWEST, FASTEST] = [0.1, 8];
  const MOST = 12; // points
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const points = (pairs) => pairs.map(([at, factor]) => ({ at, factor }));
  const space = "http://www.w3.org/2000/svg";
  function draw(name, values, ...children) {
    const node = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(values)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }
  const percent = (value) => Math.round(value * 100) + " %";

  /* The speed at a fraction of the clip, straight between the points. */
  Stir.speedCurve = (speed) => (at) => {
    if (!speed.length) return 1;
    const all = [...speed].sort((a, b) => a.at - b.at);
    const after = all.findIndex((one) => one.at >= at);
    if (after < 0) return all.at(-1).factor;
    if (!after) return all[0].factor;
    const [one, next] = [all[after - 1], all[after]];
    return one.factor + ((next.factor - one.factor) * (at - one.at)) / Math.max(1e-6, next.at - one.at);
  };

  /* A file that is chosen or dropped on `node`, kept as an attachment: `keep` is given it. Answers with what takes a file. */
  Stir.finishFile = ({ node, input, note, room, kind }, keep) => {
    async function take(one) {
      if (!one) return;
      note.clear();
      node.classList.add("busy");
      const answer = await Stir.carry(one, room.server.take_attachment)({ name: one.name, kind }).catch(() => undefined);
      node.classList.remove("busy");
      if (!answer || answer.refusal) return note.show(answer?.refusal ?? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." });
      keep(answer);
    }
    input.addEventListener("change", () => (take(input.files[0]), (input.value = "")));
    for (const type of ["dragover", "dragleave", "drop"]) node.addEventListener(type, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.stopPropagation();
      node.classList.toggle("over", type === "dragover");
      if (type === "drop") Stir.emit("dropped"), take(event.dataTransfer.files[0]);
    });
    return take;
  };

  /* A line with a name, a slider and what it says. */
  Stir.finishSlider = (title, props, say, slide) => {
    const told = h("output", {});
    const slider = Stir.slider(title, props, (value) => ((told.textContent = say(value)), slide(value)));
    const node = h("label", { class: "finish-line" }, h("span", { class: "move-name" }, title), slider, told);
    return { node, slider, paint: (value) => (slider.paint(value), (told.textContent = say(value)), slider.setAttribute("aria-valuetext", say(value))) };
  };
  /* A number of seconds to type. */
  Stir.finishNumber = (title, props, change) => {
    const box = h("input", { type: "number", step: 0.1, min: 0, ...props, onchange: () => change(Stir.clamp(Number(box.value) || 0, Number(box.min), box.max ? Number(box.max) : Infinity)) });
    return { node: h("label", { class: "field finish-number" }, h("span", {}, title), box), box, paint: (value) => document.activeElement !== box && (box.value = Number(value.toFixed(2))) };
  };

  Stir.finishTools = (room) => ({ cut: cut(room), speed: speed(room), picture: look(room), cover: cover(room) });

  // Cut ----------------------------------------------------------------------------------------------------------------
  function cut(room) {
    const change = (which) => (value) => {
      const next = { start: room.finish.trim?.start ?? 0, end: room.finish.trim?.end ?? 0, [which]: value };
      if (next.end >= room.card.seconds) next.end = 0;
      if (next.end && next.end - next.start < 0.2) return paint();
      room.set({ trim: next.start || next.end ? next : null }, "the cut");
    };
    const from = Stir.finishNumber("From, s", { id: "cut-from" }, change("start"));
    const to = Stir.finishNumber("To, s", { id: "cut-to" }, change("end"));
    const whole = Stir.button("Whole clip", { class: "ghost tiny-text", onclick: () => room.set({ trim: null }, "the cut") });
    const reverse = Stir.toggle("Reverse", false, (on) => room.set({ reverse: on }, "reverse"), { id: "finish-reverse", title: "From its end to its beginning" });
    const tiles = h("div", { class: "finish-tiles", role: "group", "aria-label": "Loop" }, LOOPS.map(([value, words, hint, path]) => h("button", { type: "button", class: "tile finish-tile", "data-loop": value, title: hint, onclick: () => room.set({ loop: value }, "the loop") }, draw("svg", { viewBox: "0 0 48 30", class: "loop-picture", "aria-hidden": "true" }, draw("path", { d: path })), h("span", { class: "tile-name" }, words))));
    const why = h("p", { class: "why" });
    const blend = Stir.finishSlider("Over", { id: "loop-blend", min: 0.1, max: 3, step: 0.1 }, (value) => value.toFixed(1) + " s", (value) => room.set({ blend: value }, "the loop's length"));
    const hold = Stir.finishSlider("Hold the last frame", { id: "finish-hold", min: 0, max: 10, step: 0.1 }, (value) => (value ? value.toFixed(1) + " s" : "No"), (value) => room.set({ hold: value }, "the hold"));
    const node = h("div", { class: "finish-tool" }, h("section", {}, h("h3", {}, "What is used"), h("div", { class: "row" }, from.node, to.node, whole), reverse), h("section", {}, h("h3", {}, "Loop"), tiles, why, blend.node), h("section", {}, h("h3", {}, "End"), hold.node));
    function paint() {
      const { trim, loop } = room.finish;
      from.paint(trim?.start ?? 0);
      to.paint(trim?.end || room.card.seconds);
      whole.hidden = !trim;
      reverse.paint(room.finish.reverse);
      for (const one of tiles.children) one.setAttribute("aria-pressed", String(one.dataset.loop === loop));
      why.textContent = (loop && room.said("loop")) || LOOPS.find(([value]) => value === loop)[2] + ".";
      blend.node.hidden = !["dissolve", "flow"].includes(loop);
      blend.paint(room.finish.blend);
      hold.paint(room.finish.hold);
    }
    return { node, paint };
  }

  // Speed --------------------------------------------------------------------------------------------------------------
  const level = (factor, low = SLOWEST, high = FASTEST) => 1 - Math.log(factor / low) / Math.log(high / low); // 0 at the top
  const factorOf = (part) => SLOWEST * (FASTEST / SLOWEST) ** (1 - part);
  function line(speed, wide, high, slowest = SLOWEST, fastest = FASTEST) {
    const curve = Stir.speedCurve(speed);
    return Array.from({ length: 61 }, (_, step) => `${step ? "L" : "M"}${((step / 60) * wide).toFixed(1)} ${(level(curve(step / 60), slowest, fastest) * high).toFixed(1)}`).join("");
  }
  const times = (factor) => `${Number(factor.toFixed(factor < 1 ? 2 : 1))} ×`;
  function speed(room) {
    const [wide, high] = [320, 128];
    const ramps = h("div", { class: "finish-tiles ramps", role: "group", "aria-label": "Ramps" }, RAMPS.map(([words, pairs]) => h("button", { type: "button", class: "tile finish-tile", "data-ramp": words, onclick: () => room.set({ speed: points(pairs) }, "the speed") }, draw("svg", { viewBox: "-2 -2 52 34", class: "loop-picture", "aria-hidden": "true" }, draw("path", { d: line(points(pairs), 48, 30, 0.3, 3.3) })), h("span", { class: "tile-name" }, words))));
    const path = draw("path", { class: "curve" });
    const graph = draw("svg", { viewBox: `0 0 ${wide} ${high}`, class: "curve-graph", "aria-hidden": "true", preserveAspectRatio: "none" },
      ...[0.25, 0.5, 1, 2, 4].map((factor) => draw("line", { x1: 0, x2: wide, y1: level(factor) * high, y2: level(factor) * high, class: factor === 1 ? "one" : "" })), path);
    const labels = [0.25, 0.5, 1, 2, 4].map((factor) => h("span", { class: "curve-label", style: { top: level(factor) * 100 + "%" } }, times(factor)));
    const knobs = h("div", { class: "curve-knobs" });
    const board = h("div", { class: "curve-board", title: "A double click adds a point" }, graph, labels, knobs);
    const add = Stir.button("Add a point", { class: "ghost tiny-text", id: "speed-add", onclick: () => plus(0.5) }, "plus");
    const held = h("p", { class: "why" }, "");
    const rates = Stir.segments("Frame rate", [["", "As made"], ["30", "30"], ["48", "48"], ["50", "50"], ["60", "60"]], (value) => room.set({ fps: value ? Number(value) : null }, "the frame rate"));
    const honest = h("p", { class: "why", id: "fps-words" });
    const node = h("div", { class: "finish-tool" }, h("section", {}, h("h3", {}, "Ramp"), ramps), h("section", {}, h("div", { class: "row between" }, h("h3", {}, "Points"), add), board, held), h("section", {}, h("h3", {}, "Frames a second"), rates.node, honest));

    const all = () => (room.finish.speed.length ? room.finish.speed : [{ at: 0, factor: 1 }]);
    const put = (next) => room.set({ speed: [...next].sort((a, b) => a.at - b.at) }, "the speed");
    function plus(at) {
      if (all().length < MOST) put([...all(), { at: Math.round(at * 100) / 100, factor: Math.round(Stir.speedCurve(room.finish.speed)(at) * 100) / 100 }]);
    }
    function change(index, values) {
      const kept = all();
      const next = { at: Math.round(Stir.clamp(values.at, 0, 1) * 100) / 100, factor: Math.round(Stir.clamp(values.factor, SLOWEST, FASTEST) * 100) / 100 };
      next.at = Stir.clamp(next.at, kept[index - 1]?.at ?? 0, kept[index + 1]?.at ?? 1);
      put(kept.map((one, at) => (at === index ? next : one)));
    }
    function away(index) {
      put(all().length > 1 ? all().filter((_, at) => at !== index) : []);
      knobs.children[Math.max(0, index - 1)]?.focus();
    }
    board.addEventListener("dblclick", (event) => {
      if (event.target.closest(".curve-knob")) return;
      const box = board.getBoundingClientRect();
      plus(Stir.clamp((event.clientX - box.x) / box.width, 0, 1));
    });
    function knob(index) {
      const node = h("div", { class: "curve-knob", role: "slider", tabindex: "0", "data-point": index, title: "Drag it, or use the arrow keys; Delete takes it away" });
      node.addEventListener("keydown", (event) => {
        const one = all()[index];
        if (["Delete", "Backspace"].includes(event.key)) return event.preventDefault(), away(index);
        const fast = event.shiftKey ? 1.5 : 1.1;
        const to = { ArrowUp: { factor: one.factor * fast }, ArrowDown: { factor: one.factor / fast }, ArrowLeft: { at: one.at - 0.02 }, ArrowRight: { at: one.at + 0.02 } }[event.key];
        if (!to) return;
        event.preventDefault();
        change(index, { ...one, ...to });
      });
      node.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        node.focus({ preventScroll: true });
        node.setPointerCapture(event.pointerId);
        const drag = ({ clientX, clientY }) => {
          const box = board.getBoundingClientRect();
          change(index, { at: (clientX - box.x) / box.width, factor: factorOf(Stir.clamp((clientY - box.y) / box.height, 0, 1)) });
        };
        node.addEventListener("pointermove", drag);
        for (const type of ["pointerup", "pointercancel"]) node.addEventListener(type, () => node.removeEventListener("pointermove", drag), { once: true });
      });
      return node;
    }
    function paint() {
      const now = room.finish.speed;
      for (const one of ramps.children) one.setAttribute("aria-pressed", String(same(points(RAMPS.find(([words]) => words === one.dataset.ramp)[1]), now)));
      path.setAttribute("d", line(now, wide, high));
      const kept = all();
      while (knobs.childElementCount < kept.length) knobs.append(knob(knobs.childElementCount));
      while (knobs.childElementCount > kept.length) knobs.lastChild.remove();
      kept.forEach((one, index) => {
        const each = knobs.children[index];
        Object.assign(each.style, { left: one.at * 100 + "%", top: level(one.factor) * 100 + "%" });
        each.setAttribute("aria-label", `Point ${index + 1}`);
        each.setAttribute("aria-valuemin", SLOWEST);
        each.setAttribute("aria-valuemax", FASTEST);
        each.setAttribute("aria-valuenow", one.factor);
        each.setAttribute("aria-valuetext", `${times(one.factor)} at ${percent(one.at)} of the clip`);
      });
      add.disabled = kept.length >= MOST;
      held.textContent = now.length ? kept.map((one) => `${times(one.factor)} at ${percent(one.at)}`).join(", ") + "." : "Drag the point up to make it faster, down to make it slower.";
      rates.paint(room.finish.fps ?? "");
      honest.textContent = room.said("frame rate") || (room.finish.fps ? `Frames in between are reckoned from how things move in those beside them. Nothing more was seen: fine or crossing movement may smear.` : `${Number(room.card.fps.toFixed(2))} frames a second, as it was made.`);
    }
    return { node, paint };
  }

  // Look ---------------------------------------------------------------------------------------------------------------
  function look(room) {
    const rows = [
      ["keep_colour", "Colour held to the photo", "Where the colours drift, they are brought back to the first frame's."],
      ["deflicker", "Deflicker", "Brightness that jumps from frame to frame is evened out."],
      ["grain", "Grain", "Fine film grain, another in every frame; it hides banding in skies."],
    ].map(([field, title, why]) => {
      const one = Stir.finishSlider(title, { id: "finish-" + field.replace("_", "-") }, (value) => (value ? percent(value) : "No"), (value) => room.set({ [field]: value }, title.toLowerCase()));
      return { field, one, node: h("section", {}, one.node, h("p", { class: "why" }, why)) };
    });
    return { node: h("div", { class: "finish-tool" }, rows.map((one) => one.node)), paint: () => rows.forEach(({ field, one }) => one.paint(room.finish[field])) };
  }

  // Cover --------------------------------------------------------------------------------------------------------------
  function cover(room) {
    const which = Stir.segments("Cover", [["made", "As made"], ["sharpest", "The sharpest"], ["picked", "Picked"]], (value) => room.set({ cover: { made: null, sharpest: "sharpest" }[value] ?? moment() }, "the cover"));
    const moment = () => Math.round(room.time() * 100) / 100;
    const slide = Stir.finishSlider("At", { id: "cover-at", min: 0, step: 0.05 }, (value) => value.toFixed(2) + " s", (value) => (room.set({ cover: value }, "the cover"), room.seek(value)));
    const take = Stir.button("Take the frame shown", { class: "solid", id: "cover-take", onclick: () => room.set({ cover: moment() }, "the cover") }, "photo");
    const why = h("p", { class: "why" });
    const node = h("div", { class: "finish-tool" }, h("section", {}, h("p", { class: "why" }, "The still that stands for the clip in the library and where it is posted."), which.node, slide.node, take, why));
    return {
      node,
      paint() {
        const { cover: now } = room.finish;
        const kind = typeof now === "number" ? "picked" : (now ?? "made");
        which.paint(kind);
        slide.node.hidden = kind !== "picked";
        slide.slider.max = Math.max(0.1, room.facts?.seconds ?? room.card.seconds);
        if (kind === "picked") slide.paint(now);
        why.textContent = { made: "The frame nearest to the photo.", sharpest: "Found by comparing how sharp the frames are.", picked: "" }[kind];
      },
    };
  }
})();
