/* The camera: a move is a tile whose picture shows it. Its value is a Camera. */
(() => {
  const { h, icon, memory } = Stir;
  const MOST = 3;
  /* A tile holds a move and its opposite: title, the names in order, and the words of its switch. */
  const FAMILIES = [
    ["Dolly", ["dolly_in", "dolly_out"], ["In", "Out"]],
    ["Truck", ["truck_left", "truck_right"], ["Left", "Right"]],
    ["Crane", ["crane_up", "crane_down"], ["Up", "Down"]],
    ["Orbit", ["orbit_left", "orbit_right"], ["Left", "Right"]],
    ["Pan", ["pan_left", "pan_right"], ["Left", "Right"]],
    ["Tilt", ["tilt_up", "tilt_down"], ["Up", "Down"]],
    ["Zoom", ["zoom_in", "zoom_out"], ["In", "Out"]],
    ["Roll", ["roll_left", "roll_right"], ["Left", "Right"]],
    ["Push-orbit", ["push_orbit_left", "push_orbit_right"], ["Left", "Right"]],
    ["Dolly zoom", ["dolly_zoom_in", "dolly_zoom_out"], ["In", "Out"]],
    ["Handheld", ["handheld"], []],
    ["Static", ["static"], []],
  ];
  const SPEEDS = [["slow", "Slow"], ["normal", "Normal"], ["fast", "Fast"]];
  const EASES = [["smooth", "Smooth", "Starts and ends gently"], ["linear", "Even", "The same speed throughout"], ["ease_in", "Ease in", "Starts gently"], ["ease_out", "Ease out", "Ends gently"]];

  Stir.parts.camera = ({ element, props }) => {
    const root = element.firstElementChild;
    const infos = Object.fromEntries(props.moves.map((one) => [one.name, one]));
    let camera = { ...props.value, ...memory.get("camera", {}) };
    let combine = camera.moves.length > 1;
    const family = (name) => FAMILIES.find(([, names]) => names.includes(name));
    const held = (names) => camera.moves.findIndex((move) => names.includes(move.name));

    const tiles = h("div", { class: "tiles", role: "group", "aria-label": "Camera moves" });
    const all = FAMILIES.map(([title, names]) => {
      const scene = Stir.scene(names[0]);
      const tile = h("button", { type: "button", class: "tile", "data-family": names[0], "aria-pressed": "false" }, h("span", { class: "tile-picture" }, scene), h("span", { class: "tile-name" }, title));
      tile.addEventListener("click", (event) => press(names, event.shiftKey || event.ctrlKey));
      tiles.append(tile);
      return { tile, scene, names };
    });
    const rows = h("div", { class: "moves" });
    const sees = h("p", { class: "sees" });
    const join = Stir.toggle("Combine", combine, (on) => {
      combine = on;
      if (!on && camera.moves.length > 1) set({ moves: camera.moves.slice(0, 1) });
      paint();
    }, { title: "Add up to three moves; Shift and click does the same", id: "combine" });
    const speed = Stir.segments("Speed", SPEEDS, (value) => set({ speed: value }));
    const ease = Stir.segments("Ease", EASES, (value) => set({ ease: value }));
    const loop = Stir.toggle("Loop", camera.loop, (on) => set({ loop: on }), { title: "The clip ends where it began, without a seam", id: "loop" });
    const paces = h("div", { class: "paces" }, h("span", { class: "move-name" }, "Speed"), h("div", { class: "row between" }, speed.node, loop), h("span", { class: "move-name" }, "Ease"), ease.node);
    root.append(h("div", { class: "row between" }, h("h3", {}, "Camera"), join), tiles, sees, rows, paces);

    function press(names, add) {
      const index = held(names);
      const fresh = { name: names[0], amount: camera.moves[0]?.amount ?? 0.6 };
      if (names[0] === "static") return set({ moves: index < 0 ? [{ ...fresh, name: "static" }] : [] });
      const moves = camera.moves.filter((move) => move.name !== "static");
      if (index >= 0 && camera.moves.length > 1) return set({ moves: camera.moves.filter((_, at) => at !== index) });
      if (index >= 0) return flip(index);
      if (!(combine || add)) return set({ moves: [fresh] });
      if (moves.length >= MOST) return hint("Three moves at most. Take one off first.");
      combine = combine || add;
      set({ moves: [...moves, moves.length ? { ...fresh, amount: 0.4 } : fresh] });
    }
    function flip(index, name) {
      const [, names] = family(camera.moves[index].name);
      const next = name ?? names[(names.indexOf(camera.moves[index].name) + 1) % names.length];
      set({ moves: camera.moves.map((move, at) => (at === index ? { ...move, name: next } : move)) });
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
      for (const { tile, scene, names } of all) {
        const index = held(names);
        const name = index < 0 ? names[0] : camera.moves[index].name;
        scene.play(name);
        tile.setAttribute("aria-pressed", String(index >= 0));
        const way = index < 0 ? "" : (infos[name].title.match(/ (in|out|left|right|up|down)$/)?.[0] ?? "");
        tile.setAttribute("aria-label", tile.lastChild.textContent + way); // it begins with the words one sees
        tile.title = infos[name].sees;
      }
      sees.textContent = camera.moves.map((move) => infos[move.name].sees).join("; ") || unsaid();
      speed.paint(camera.speed);
      ease.paint(camera.ease);
      const still = !camera.moves.some((move) => move.name !== "static");
      for (const one of paces.querySelectorAll(".segments button")) one.disabled = still;
      loop.paint(camera.loop);
      join.paint(combine);
      paintRows();
    }
    /* What becomes of a camera of which nothing is said. */
    function unsaid() {
      const card = Stir.card(Stir.now("output")?.model);
      return "Nothing is said of the camera: " + (card && !card.supports.includes("prompt") ? "it holds still" : "the model does as it likes");
    }
    function paintRows() {
      const moving = camera.moves.filter((move) => move.name !== "static");
      Stir.redraw(rows, () => rows.replaceChildren(...moving.map((move) => row(move, camera.moves.indexOf(move)))));
    }
    function row(move, index) {
      const [title, names, words] = family(move.name);
      const way = names.length > 1 && Stir.segments(title + " direction", names.map((name, at) => [name, words[at]]), (name) => flip(index, name));
      if (way) way.paint(move.name);
      const value = h("output", {}, Math.round(move.amount * 100));
      const slider = Stir.slider(`${infos[move.name].title}, amount`, { value: move.amount }, (amount) => {
        value.textContent = Math.round(amount * 100);
        set({ moves: camera.moves.map((one, at) => (at === index ? { ...one, amount } : one)) }, true);
      });
      const away = h("button", { type: "button", class: "ghost tiny", "aria-label": "Take " + infos[move.name].title + " off", onclick: () => set({ moves: camera.moves.filter((_, at) => at !== index) }) }, icon("close", 12));
      return h("div", { class: "move", "data-move": move.name }, h("span", { class: "move-name" }, title), way ? way.node : h("span"), slider, value, away);
    }

    function adopt(motion) {
      if (JSON.stringify({ ...camera, ...motion.camera }) === JSON.stringify(camera)) return;
      combine = motion.camera.moves.length > 1;
      set(motion.camera);
    }
    Stir.on("motion", adopt);
    Stir.on("heard", adopt);
    Stir.history.register("camera", { take: () => camera, put: (before) => ((combine = before.moves.length > 1), set(before)), words: () => "camera" });
    Stir.on("output", () => camera.moves.length || (sees.textContent = unsaid()));
    set({});
  };
})();
