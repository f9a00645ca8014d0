/* The values of one axis of a comparison: what it begins with on this desk, and the widget that chooses them. Values are strings, as
   they are typed on the command line. `desk` is {card, cards, output, camera, effects, sentence, depths}. */
(() => {
  const { h, icon } = Stir;
  const AMOUNTS = [["0.3", "A little"], ["0.6", "Clearly"], ["0.9", "Far"]];
  const STRENGTHS = [["0.2", "Little"], ["0.5", "Some"], ["0.8", "Much"]];
  const DEPTHS = { builtin: ["Built in", "Read from the photo by Stir itself"], anything: ["Depth Anything", "The downloaded network"], photo: ["The photo's own", "The depth map inside its file"] };
  const GROUPS = [["ready", "Ready on this computer"], ["hosted", "hosted"], ["download", "after a download"], ["out", "out of reach here"]];
  const SEEDS = 4294967296;
  const MOST_NAMED = 40; // letters of a value that was typed

  const has = (cards, what) => cards.some((card) => card.supports.includes(what));
  const ranged = (name, desk) => (desk.cards.find((card) => card.controls[name]) ?? desk.card).controls[name];
  const moves = () => Stir.now("camera-moves") ?? [];
  const firstMoves = () => moves().filter((one, at, all) => !one.stands && all.findIndex((other) => other.tile === one.tile) === at).map((one) => one.name);
  /* The desk's camera as it is typed: moves of one step joined by +, steps by then. */
  const typeCamera = ({ moves: first, then = [] }) => [first, ...then.map((leg) => leg.moves)].filter((leg) => leg.length).map((leg) => leg.map((move) => move.name).join(" + ")).join(" then ");
  const sizes = (desk) => [...new Set(desk.cards.flatMap((card) => card.controls.sizes))];

  /* Which axes mean anything on these models. */
  const MEANT = {
    model: () => (Stir.now("cards") ?? []).length > 1,
    seed: ({ cards }) => has(cards, "seed"),
    depth: ({ cards, depths }) => has(cards, "depth") && depths.length > 1,
    strength: ({ cards }) => has(cards, "motion_strength"),
    steps: ({ cards }) => cards.some((card) => card.controls.steps),
    guidance: ({ cards }) => cards.some((card) => card.controls.guidance),
    speedup: ({ cards }) => cards.some((card) => card.controls.speedups.length),
    size: (desk) => sizes(desk).length > 1,
  };
  const BEGINS = {
    model: ({ card }) => [card.id, ...(Stir.now("cards") ?? []).filter((one) => one.id !== card.id && Stir.groupOf(one) === "ready").map((one) => one.id).slice(0, 1)],
    seed: ({ output }) => [0, 1, 2].map((more) => String((output.seed + more) % SEEDS)),
    move: ({ camera }) => [...new Set([typeCamera(camera), ...firstMoves()])].filter(Boolean).slice(0, 3),
    amount: () => AMOUNTS.map(([value]) => value),
    effect: ({ effects }) => ["none", ...(effects.length ? effects.map((one) => one.name) : ["light", "grain"])].slice(0, 4),
    prompt: ({ sentence }) => [sentence, ""],
    depth: ({ depths }) => depths,
    size: (desk) => sizes(desk).filter((one) => ["480p", "720p"].includes(one)).concat(sizes(desk)).filter((one, at, all) => all.indexOf(one) === at).slice(0, 2),
    steps: (desk) => [Math.max(ranged("steps", desk).least, Math.round(ranged("steps", desk).default / 2)), ranged("steps", desk).default].map(String),
    guidance: (desk) => [ranged("guidance", desk).default, Math.min(ranged("guidance", desk).most, ranged("guidance", desk).default + 2)].map(String),
    strength: () => STRENGTHS.map(([value]) => value),
    speedup: (desk) => ["none", ...(desk.cards.find((card) => card.controls.speedups.length)?.controls.speedups ?? []).map((one) => one.name)].slice(0, 2),
  };

  /* Chips, of which several are lit: `options` are [value, words, hint]; what was typed stands behind them and goes when it is pressed. */
  function chips(label, options, { values, most, change }, ...adders) {
    const known = options.map(([value]) => value);
    const sort = (next) => [...known.filter((value) => next.includes(value)), ...next.filter((value) => !known.includes(value))];
    const flip = (value) => change(sort(values.includes(value) ? values.filter((one) => one !== value) : [...values, value]));
    const full = values.length >= most;
    const chip = ([value, words, hint]) => h("button", { type: "button", class: "chip", "data-value": value, title: hint, "aria-pressed": String(values.includes(value)), disabled: full && !values.includes(value), onclick: () => flip(value) }, words);
    const typed = values.filter((value) => !known.includes(value)).map((value) => h("button", { type: "button", class: "chip typed", "data-value": value, "aria-pressed": "true", "aria-label": `Take ${value} off`, onclick: () => flip(value) }, value.length > MOST_NAMED ? value.slice(0, MOST_NAMED) + "…" : value, icon("close", 10)));
    return h("div", { class: "chips", role: "group", "aria-label": label }, options.map(chip), typed, full ? null : adders);
  }
  /* A number of one's own. */
  function adder(label, { least, most, step }, room) {
    const box = h("input", { type: "number", min: least, max: most, step, "aria-label": label, placeholder: "Your own" });
    const add = () => {
      const value = box.value.trim();
      if (value === "" || !box.checkValidity()) return box.reportValidity();
      if (!room.values.includes(value)) room.change([...room.values, value].sort((one, other) => one - other), true);
    };
    box.addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), event.stopPropagation(), add()));
    return h("span", { class: "joined adder" }, box, h("button", { type: "button", class: "ghost tiny", "aria-label": `Add this: ${label.toLowerCase()}`, onclick: add }, icon("plus", 12)));
  }
  const numbers = (label, options, range, room) => chips(label, options, room, adder(label, range, room));

  function models(room) {
    const all = Stir.now("cards") ?? [];
    const row = (card) => {
      const [state, group] = [Stir.standing(card.id), Stir.groupOf(card)];
      const box = h("input", { type: "checkbox", "aria-label": card.title, "data-model": card.id, onchange: () => room.change(all.map((one) => one.id).filter((id) => (id === card.id ? box.checked : room.values.includes(id)))) });
      box.checked = room.values.includes(card.id);
      const away = group === "hosted" && state?.fits === "no";
      box.disabled = !box.checked && (away || room.values.length >= room.most);
      const price = card.ways.map((one) => `${one.title} ${one.price}`).join(" · ");
      const why = group === "out" || away ? state.reason : group === "download" ? state?.files : price;
      return h("label", { class: "model-choice", "data-group": group }, box, h("span", {}, h("span", { class: "model-top" }, h("strong", {}, card.title), Stir.facts(card)), why ? h("span", { class: "model-why" }, why) : null));
    };
    return h("div", { class: "model-choices" }, GROUPS.map(([group, words]) => {
      const mine = all.filter((card) => Stir.groupOf(card) === group);
      if (!mine.length) return null;
      if (group === "ready") return h("div", { role: "group", "aria-label": words }, mine.map(row));
      const fold = Stir.fold(`${mine.length} ${words}`, h("div", {}, mine.map(row)));
      fold.open = room.open.has(group) || mine.some((card) => room.values.includes(card.id));
      fold.addEventListener("toggle", () => room.open[fold.open ? "add" : "delete"](group));
      return fold;
    }));
  }
  function tiles(desk, room) {
    const own = typeCamera(desk.camera);
    const combined = own && !moves().some((one) => one.name === own) ? [{ ...(moves().find((one) => own.startsWith(one.name)) ?? moves()[0]), name: own, title: "As it is" }] : [];
    const known = [...combined, ...moves()];
    return h("div", { class: "tiles move-choices", role: "group", "aria-label": "Camera moves" }, known.map((move) => {
      const on = room.values.includes(move.name);
      const flip = () => room.change(known.map((one) => one.name).filter((name) => (name === move.name ? !on : room.values.includes(name))));
      return h("button", { type: "button", class: "tile", "data-value": move.name, title: move.sees, "aria-pressed": String(on), disabled: !on && room.values.length >= room.most, onclick: flip }, h("span", { class: "tile-picture" }, Stir.scene(move)), h("span", { class: "tile-name" }, move.title));
    }));
  }
  function prompts(room) {
    const rows = room.values.length ? room.values : [""];
    const put = (at, words) => room.change(rows.map((one, place) => (place === at ? words : one)), false, false);
    return h("div", { class: "prompt-choices" },
      rows.map((words, at) => h("div", { class: "joined" },
        h("textarea", { rows: 2, maxlength: 4000, "aria-label": `Prompt ${at + 1}`, placeholder: "What should happen", value: words, oninput: (event) => put(at, event.target.value) }),
        rows.length > 1 ? h("button", { type: "button", class: "ghost tiny", "aria-label": `Take prompt ${at + 1} off`, onclick: () => room.change(rows.filter((_, place) => place !== at)) }, icon("close", 12)) : null)),
      rows.length < room.most ? Stir.button("Another prompt", { class: "ghost tiny-text", onclick: () => room.change([...rows, ""]) }, "plus") : null);
  }
  function seeds(room) {
    const dice = Stir.button("Random", { class: "ghost tiny-text", onclick: () => room.change([...room.values, String(Math.floor(Math.random() * SEEDS))]) }, "dice");
    return chips("Seeds", [], room, adder("Seed", { least: 0, most: SEEDS - 1, step: 1 }, room), dice);
  }

  const WIDGETS = {
    model: (desk, room) => models(room),
    seed: (desk, room) => seeds(room),
    move: tiles,
    amount: (desk, room) => numbers("How far", AMOUNTS, { least: 0, most: 1, step: 0.05 }, room),
    effect: (desk, room) => chips("Effects", [["none", "No effect"], ...(Stir.now("effect-infos") ?? []).map((one) => [one.name, one.title, one.sees])], room),
    prompt: (desk, room) => prompts(room),
    depth: (desk, room) => chips("Depth", desk.depths.map((name) => [name, ...DEPTHS[name]]), room),
    size: (desk, room) => chips("Sizes", sizes(desk).map((one) => [one, one === "2160p" ? "4K" : one]), room),
    steps: (desk, room) => numbers("Steps", [], { ...ranged("steps", desk), step: 1 }, room),
    guidance: (desk, room) => numbers("Guidance", [], { ...ranged("guidance", desk), step: 0.1 }, room),
    strength: (desk, room) => numbers("How much moves", STRENGTHS, { least: 0, most: 1, step: 0.05 }, room),
    speedup: (desk, room) => chips("Speed-ups", [["none", "None"], ...[...new Map(desk.cards.flatMap((card) => card.controls.speedups).map((one) => [one.name, one])).values()].map((one) => [one.name, one.title, one.cost])], room),
  };

  Stir.axisWidgets = {
    isMeant: (name, desk) => (MEANT[name] ?? (() => true))(desk),
    begin: (name, desk) => BEGINS[name](desk),
    /* `room` is {values, most, change(values, focus, redraw), open}: `open` are the folds that are. */
    draw: (name, desk, room) => WIDGETS[name](desk, room),
  };
})();
