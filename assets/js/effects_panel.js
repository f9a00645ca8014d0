/* Effects, the second half of "What moves": chips, each with an amount, a region and, where it counts, a direction.
   Its value is a list of Effect. What has been painted belongs to a photo and is remembered with it. */
(() => {
  const { h, icon, memory } = Stir;
  const REGIONS = { everywhere: "Everywhere", sky: "Sky", foliage: "Foliage", subject: "Subject", background: "Background", brush: "Painted" };
  const REMEMBERED = 50;
  const WAYS = [[0, "→ Right"], [45, "↘ Down right"], [90, "↓ Down"], [135, "↙ Down left"], [180, "← Left"], [225, "↖ Up left"], [270, "↑ Up"], [315, "↗ Up right"]];
  /* What falls or rises is only driven aside: three ways. */
  const upright = ({ upright: way }) => (way.endsWith("up") ? "↑ " : "↓ ") + way[0].toUpperCase() + way.slice(1);
  const ways = (info) => (info.upright ? [[0, "→ Right"], [90, upright(info)], [180, "← Left"]] : WAYS);
  const step = (info, degrees) => {
    const eighth = (Math.round(degrees / 45) * 45) % 360;
    if (!info.upright) return eighth;
    return eighth % 180 === 90 ? 90 : eighth > 90 && eighth < 270 ? 180 : 0;
  };

  Stir.parts.effects_panel = ({ element, props }) => {
    const root = element.firstElementChild;
    const infos = Object.fromEntries(props.effects.map((one) => [one.name, one]));
    Stir.tell("effect-infos", props.effects);
    const painted = memory.get("painted", {}); // photo id → effect name → png
    let photo = "";
    let painting = null;
    let chosen = memory.get("effects", []);

    const note = Stir.note();
    const chips = h("div", { class: "chips", role: "group", "aria-label": "Effects" });
    const all = props.effects.map((info) => {
      const chip = h("button", { type: "button", class: "chip", "data-effect": info.name, title: info.sees, "aria-pressed": "false", onclick: () => press(info.name) }, info.title);
      chips.append(chip);
      return chip;
    });
    const rows = h("div", { class: "effects" });
    root.append(h("div", { class: "slot effect-chips" }, h("span", { class: "move-name", "aria-hidden": "true" }, "Effects"), chips), note.node, rows);

    /* What was painted on a photo, effect name → png, for those effects that are chosen. */
    Stir.brushes = (id) => Object.fromEntries(Object.entries(painted[id] ?? {}).filter(([name, image]) => image && chosen.some((effect) => effect.name === name)));

    const region = (effect) => (effect.region === "auto" ? infos[effect.name].auto : effect.region);
    const png = (name) => painted[photo]?.[name] ?? "";
    /* Why an effect has no place, as far as that is known of how it is set now. */
    const nowhere = (name) => {
      const lost = (Stir.now("nowhere")?.unplaced ?? []).find((one) => one.effect === name);
      const effect = chosen.find((one) => one.name === name);
      return lost && effect && effect.amount > 0 && lost.region === region(effect) && (lost.why !== "unpainted" || !png(name)) ? lost : null;
    };

    function press(name) {
      const has = chosen.some((effect) => effect.name === name);
      chosen = has ? chosen.filter((effect) => effect.name !== name) : [...chosen, { name, amount: 0.5, region: "auto", direction: 0 }];
      if (has && painting === name) Stir.emit("end-brush");
      say();
      paint();
      if (!has && region(chosen.at(-1)) === "brush" && photo && !png(name)) brush(name);
    }
    function change(name, values, redraw = true) {
      chosen = chosen.map((effect) => (effect.name === name ? { ...effect, ...values } : effect));
      say();
      if (redraw) paint();
    }
    function say() {
      note.clear();
      const value = chosen.map((effect) => ({ ...effect, brush: region(effect) === "brush" ? png(effect.name) : "" }));
      props.value = value;
      memory.set("effects", chosen);
      Stir.tell("effects", value);
    }
    const brush = (name) => (painting === name ? Stir.emit("end-brush") : Stir.emit("brush", { effect: name, title: infos[name].title, png: png(name) }));

    function paint() {
      for (const chip of all) chip.setAttribute("aria-pressed", String(chosen.some((effect) => effect.name === chip.dataset.effect)));
      Stir.redraw(rows, () => rows.replaceChildren(...chosen.map(row)));
    }
    function row(effect) {
      const { name } = effect;
      const info = infos[name];
      const value = h("output", {}, Math.round(effect.amount * 100));
      const slider = Stir.slider(info.title + ", amount", { value: effect.amount }, (amount) => {
        value.textContent = Math.round(amount * 100);
        change(name, { amount }, false);
      });
      const where = Stir.menu(info.title + ", where", [["auto", "Auto: " + REGIONS[info.auto].toLowerCase()], ...Object.entries(REGIONS)], effect.region, (next) => change(name, { region: next }), { class: "quiet" });
      const way = info.directed && Stir.menu(info.title + ", direction", ways(info), String(step(info, effect.direction)), (next) => change(name, { direction: Number(next) }), { class: "quiet" });
      const paintIt = region(effect) === "brush" && h("button", { type: "button", class: png(name) ? "ghost" : "ghost wanted", "data-paint": name, "aria-pressed": String(painting === name), onclick: () => brush(name) }, icon("brush"), h("span", {}, png(name) ? "Painted" : "Paint it"));
      const away = h("button", { type: "button", class: "ghost tiny", "aria-label": "Take " + info.title + " off", onclick: () => press(name) }, icon("close", 12));
      const lost = nowhere(name);
      const said = lost && Stir.noPlace(lost, lost.region !== "brush");
      return h("div", { class: "effect", "data-effect": name }, h("div", { class: "effect-top" }, h("span", { class: "move-name" }, info.title), slider, value, away), h("div", { class: "effect-more" }, where, way || null, paintIt || null), said);
    }

    /* The photo painted last comes last; of the others a few are remembered. */
    function keep(images) {
      delete painted[photo];
      painted[photo] = images;
      memory.set("painted", Object.fromEntries(Object.entries(painted).slice(-REMEMBERED)));
    }
    Stir.on("painted", ({ effect, png: image }) => {
      keep({ ...painted[photo], [effect]: image });
      say();
      paint();
    });
    Stir.on("painting", (name) => ((painting = name), paint()));
    Stir.on("frame", (frame) => {
      const next = frame?.photo ?? "";
      if (next === photo) return;
      photo = next;
      say();
      paint();
    });
    function adopt(motion) {
      const next = motion.effects.map(({ brush: _, ...effect }) => effect);
      if (JSON.stringify(next) === JSON.stringify(chosen)) return;
      if (painting && !next.some((effect) => effect.name === painting)) Stir.emit("end-brush");
      chosen = next;
      say();
      paint();
    }
    Stir.on("motion", adopt);
    Stir.on("heard", adopt);
    /* What the words ask for and nobody has pressed: it is drawn as well, and the chip says so. */
    Stir.on("acted", ({ implied }) => {
      for (const chip of all) {
        const asked = implied.includes(chip.dataset.effect);
        chip.classList.toggle("asked", asked);
        chip.title = infos[chip.dataset.effect].sees + (asked ? "; the words ask for it" : "");
      }
    });
    let shown = "";
    Stir.on("nowhere", () => {
      const next = JSON.stringify(chosen.map(({ name }) => nowhere(name)));
      if (next !== shown) (shown = next), paint();
    });
    /* An effect is to happen where the user paints, whoever asked for it. */
    Stir.on("paint-effect", (name) => {
      const there = chosen.find((effect) => effect.name === name);
      if (!there) (chosen = [...chosen, { name, amount: 0.5, region: infos[name].auto === "brush" ? "auto" : "brush", direction: 0 }]), say(), paint();
      else if (region(there) !== "brush") change(name, { region: "brush" });
      if (painting !== name) brush(name);
    });
    Stir.on("paint-missing", (wanted) => {
      const name = wanted ?? Stir.now("acted")?.unplaced?.[0];
      if (!name) return;
      Stir.emit("paint-effect", name);
    });
    Stir.on("shot", (shot) => {
      chosen = shot.motion.effects.map(({ brush: _, ...effect }) => effect);
      photo = shot.photo.id;
      keep(Object.fromEntries(shot.motion.effects.filter((effect) => effect.brush).map((effect) => [effect.name, effect.brush])));
      say();
      paint();
    });
    Stir.history.register("effects", { take: () => ({ chosen, painted: { ...painted } }), put: restore, words: (before, after) => (JSON.stringify(before.painted) === JSON.stringify(after.painted) ? "what moves" : "brush") });
    function restore(before) {
      chosen = before.chosen;
      for (const id of Object.keys(painted)) delete painted[id];
      memory.set("painted", Object.assign(painted, before.painted));
      if (painting && !chosen.some((effect) => effect.name === painting)) Stir.emit("end-brush");
      else if (painting) Stir.emit("brush-shows", png(painting));
      say();
      paint();
    }
    Stir.on("refusal", (refusal) => refusal.where === "effects" && note.show(refusal));
    say();
    paint();
  };
})();
