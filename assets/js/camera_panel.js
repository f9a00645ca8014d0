/* The camera: a move is a tile whose picture shows it, and moves follow one another in steps. Its value is a Camera; a step is its
   first moves or one of its legs, and tiles, amounts and speed are those of the step that is open. */
(() => {
  const { h, icon, memory } = Stir;
  const MOST = 3;
  const STEPS = 4;
  const SPEEDS = [["slow", "Slow"], ["normal", "Normal"], ["fast", "Fast"]];
  const EASES = [["smooth", "Smooth", "Starts and ends gently"], ["linear", "Even", "The same speed throughout"], ["ease_in", "Ease in", "Starts gently"], ["ease_out", "Ease out", "Ends gently"]];

  Stir.parts.camera_panel = ({ element, props }) => {
    const root = element.firstElementChild;
    const infos = Object.fromEntries(props.moves.map((one) => [one.name, one]));
    Stir.tell("camera-moves", props.moves);
    /* A tile holds a move and its opposite: title, the names in order, and the words of its switch. */
    const families = [...new Set(props.moves.map((one) => one.tile))].map((tile) => {
      const pair = props.moves.filter((one) => one.tile === tile);
      return [tile, pair.map((one) => one.name), pair.map((one) => one.way)];
    });
    const STATIC = props.moves.find((one) => one.stands).name;
    let camera = { ...props.value, ...memory.get("camera", {}) };
    let at = 0; // the step that is open
    const steps = () => [{ moves: camera.moves, speed: camera.speed }, ...(camera.then ?? [])];
    const here = () => steps()[at];
    let combine = camera.moves.length > 1;
    const family = (name) => families.find(([, names]) => names.includes(name));
    const findMove = (names) => here().moves.findIndex((move) => names.includes(move.name));
    const nameStep = ({ moves }) => moves.map((move) => infos[move.name].title).join(" + ") || "As it likes";

    const tiles = h("div", { class: "tiles", role: "group", "aria-label": "Camera moves" });
    const all = families.map(([title, names]) => {
      const scene = Stir.scene(infos[names[0]]);
      const tile = h("button", { type: "button", class: "tile", "data-family": names[0], "aria-pressed": "false" }, h("span", { class: "tile-picture" }, scene), h("span", { class: "tile-name" }, title));
      tile.addEventListener("click", (event) => press(names, event.shiftKey || event.ctrlKey));
      tiles.append(tile);
      return { tile, scene, names, title };
    });
    const rows = h("div", { class: "moves" });
    const sees = h("p", { class: "sees" });
    const join = Stir.toggle("Combine", combine, (on) => {
      combine = on;
      if (!on && here().moves.length > 1) turn({ moves: here().moves.slice(0, 1) });
      paint();
    }, { title: "Add up to three moves; Shift and click does the same", id: "combine" });
    const speed = Stir.segments("Speed", SPEEDS, (value) => turn({ speed: value }));
    const ease = Stir.segments("Ease", EASES, (value) => set({ ease: value }));
    const loop = Stir.toggle("Loop", camera.loop, (on) => set({ loop: on }), { title: "The clip ends where it began, without a seam", id: "loop" });
    const paces = h("div", { class: "paces" }, h("span", { class: "move-name" }, "Speed"), h("div", { class: "row between" }, speed.node, loop), h("span", { class: "move-name" }, "Ease"), ease.node);
    const then = Stir.button("Then", { class: "ghost", id: "then", onclick: () => add() }, "plus");
    const way = h("div", { class: "steps", role: "group", "aria-label": "Steps, one after the other", hidden: true });
    root.append(h("div", { class: "row between" }, h("h3", {}, "Camera"), h("div", { class: "row" }, join, then)), way, tiles, sees, rows, paces);

    /* The open step, changed. */
    function turn(change, quiet = false) {
      const all = steps().map((one, index) => (index === at ? { ...one, ...change } : one));
      walk(all, quiet);
    }
    function walk([first, ...rest], quiet = false) {
      set({ moves: first.moves, speed: first.speed, then: rest.map(({ moves, speed }) => ({ moves, speed })) }, quiet);
    }
    function open(index) {
      at = index;
      combine = here().moves.length > 1;
      paint();
    }
    function add() {
      const all = steps();
      if (all.length >= STEPS) return hint("Four steps at most. Take one off first.");
      const circled = all.at(-1).moves.some((move) => infos[move.name].circles);
      const next = { moves: [{ name: (circled ? props.moves[0] : props.moves.find((one) => one.circles)).name, amount: 0.6 }], speed: "normal" };
      at = all.length;
      combine = false;
      walk([...all, next]);
      Stir.say(`Step ${at + 1}: ${nameStep(next)}.`);
    }
    function remove(index) {
      const all = steps().filter((_, place) => place !== index);
      at = Math.max(0, Math.min(at - (at > index ? 1 : 0), all.length - 1));
      combine = all[at].moves.length > 1;
      walk(all);
      Stir.say(all.length > 1 ? `Step ${index + 1} is off.` : "One step.");
      (way.querySelector("[aria-pressed='true']") ?? then).focus({ preventScroll: true });
    }
    function paintSteps() {
      const all = steps();
      way.hidden = all.length < 2;
      then.title = all.length < STEPS ? "Add a step: the camera does it after the others" : "Four steps at most";
      then.setAttribute("aria-disabled", String(all.length >= STEPS));
      Stir.redraw(way, () => way.replaceChildren(...(way.hidden ? [] : all.map((one, index) => h("span", { class: "step" },
        h("button", { type: "button", class: "chip", "data-step": index, "aria-pressed": String(index === at), onclick: () => open(index) }, h("span", { class: "step-number" }, index + 1), " ", nameStep(one)),
        h("button", { type: "button", class: "ghost tiny", "aria-label": `Take step ${index + 1} off`, onclick: () => remove(index) }, icon("close", 12)))))));
    }

    function press(names, add) {
      const index = findMove(names);
      const fresh = { name: names[0], amount: here().moves[0]?.amount ?? 0.6 };
      if (names[0] === STATIC) return turn({ moves: index < 0 ? [{ ...fresh, name: STATIC }] : [] });
      const moves = here().moves.filter((move) => move.name !== STATIC);
      if (index >= 0 && names.length < 2) return off(index);
      if (index >= 0) return flip(index);
      if (!(combine || add)) return turn({ moves: [fresh] });
      if (moves.length >= MOST) return hint("Three moves at most. Take one off first.");
      combine = combine || add;
      turn({ moves: [...moves, moves.length ? { ...fresh, amount: 0.4 } : fresh] });
    }
    /* A lit tile pressed again turns its move around, and says so. */
    function flip(index, name) {
      const next = name ?? other(here().moves[index].name);
      turn({ moves: here().moves.map((move, place) => (place === index ? { ...move, name: next } : move)) });
      Stir.say(infos[next].title + ".");
    }
    function other(name) {
      const [, names] = family(name);
      return names[(names.indexOf(name) + 1) % names.length];
    }
    function off(index) {
      const { name } = here().moves[index];
      turn({ moves: here().moves.filter((_, place) => place !== index) });
      Stir.say(infos[name].title + " is off.");
    }
    /* What a press on a lit tile does. */
    function again(name) {
      return family(name)[1].length > 1 ? `press again for ${infos[other(name)].title.toLowerCase()}` : "press again to take it off";
    }
    function hint(words) {
      sees.textContent = words;
      Stir.say(words);
    }
    function set(change, quiet = false) {
      camera = { ...camera, ...change };
      props.value = camera;
      memory.set("camera", camera);
      Stir.tell("camera", camera);
      if (!quiet) paint();
    }
    function paint() {
      const { moves, speed: pace } = here();
      for (const { tile, scene, names, title } of all) {
        const index = findMove(names);
        const name = index < 0 ? names[0] : moves[index].name;
        scene.play(infos[name]);
        tile.setAttribute("aria-pressed", String(index >= 0));
        tile.lastChild.textContent = index < 0 ? title : infos[name].title;
        if (index < 0) tile.removeAttribute("aria-label");
        else tile.setAttribute("aria-label", `${infos[name].title}, ${again(name)}`);
        tile.title = index < 0 ? infos[name].sees : `${infos[name].sees}; ${again(name)}`;
      }
      sees.textContent = explainBoxes() ?? (moves.map((move) => infos[move.name].sees).join("; ") + (moves.length === 1 ? ` (${again(moves[0].name)})` : "") || unsaid());
      speed.paint(pace);
      ease.paint(camera.ease);
      const still = !moves.some((move) => move.name !== STATIC);
      for (const one of speed.node.querySelectorAll("button")) one.disabled = still;
      for (const one of ease.node.querySelectorAll("button")) one.disabled = !steps().some((step) => step.moves.some((move) => move.name !== STATIC));
      loop.paint(camera.loop);
      join.paint(combine);
      paintSteps();
      paintRows();
    }
    /* Two boxes on the photo take the place of the moves. */
    function explainBoxes() {
      const able = Stir.card(Stir.now("output")?.model)?.supports.includes("end_crop");
      return able && Stir.now("frame")?.end ? "The clip goes from the start box to the end box on the photo; these moves are set aside." : null;
    }
    /* What becomes of a camera of which nothing is said. */
    function unsaid() {
      const card = Stir.card(Stir.now("output")?.model);
      return "Nothing is said of the camera: " + (card && !card.supports.includes("prompt") ? "it holds still" : "the model does as it likes");
    }
    function paintRows() {
      const { moves } = here();
      const moving = moves.filter((move) => move.name !== STATIC);
      Stir.redraw(rows, () => rows.replaceChildren(...moving.map((move) => row(move, moves.indexOf(move)))));
    }
    function row(move, index) {
      const [title, names, words] = family(move.name);
      const way = names.length > 1 && Stir.segments(title + " direction", names.map((name, at) => [name, words[at]]), (name) => flip(index, name));
      if (way) way.paint(move.name);
      const value = h("output", {}, Math.round(move.amount * 100));
      const slider = Stir.slider(`${infos[move.name].title}, amount`, { value: move.amount }, (amount) => {
        value.textContent = Math.round(amount * 100);
        turn({ moves: here().moves.map((one, place) => (place === index ? { ...one, amount } : one)) }, true);
      });
      const away = h("button", { type: "button", class: "ghost tiny", "aria-label": "Take " + infos[move.name].title + " off", onclick: () => off(index) }, icon("close", 12));
      return h("div", { class: "move", "data-move": move.name }, h("span", { class: "move-name" }, title), way ? way.node : h("span"), slider, value, away);
    }

    function adopt(motion) {
      if (JSON.stringify({ ...camera, ...motion.camera }) === JSON.stringify(camera)) return;
      at = Math.min(at, motion.camera.then?.length ?? 0);
      camera = { ...camera, ...motion.camera };
      combine = here().moves.length > 1;
      set({});
    }
    Stir.on("motion", adopt);
    Stir.on("heard", adopt);
    Stir.history.register("camera", { take: () => camera, put: (before) => ((combine = before.moves.length > 1), set(before)), words: () => "camera" });
    let aside = null;
    for (const topic of ["output", "frame", "cards"]) Stir.on(topic, () => {
      if (here().moves.length && explainBoxes() === aside) return;
      aside = explainBoxes();
      paint();
    });
    set({});
  };
})();
