/* A new comparison of the shot on the desk: one or two things that differ, their values, and what it takes, in a sheet. One press
   starts it and goes to where it is seen. */
(() => {
  const { h, icon, memory } = Stir;
  const UNKEPT = ["seed", "prompt"]; // what belongs to one photo or one desk isn't remembered

  Stir.parts.new_comparison_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const titles = Object.fromEntries(props.axes);
    const kept = memory.get("comparison", {});
    let chosen = (kept.chosen ?? []).filter((name) => name in titles).slice(0, 2); // the first goes along the columns
    let values = kept.values ?? {};
    let wish = { paired: false, baseline: true, blind: false, drafts: false, ...kept.wish };
    let begun = null; // what the studio said of the desk
    let told = null; // the estimate of what is chosen
    let turn = 0;
    let sending = false;
    const rooms = {};

    const close = h("button", { type: "button", class: "ghost tiny", "aria-label": "Close", onclick: () => node.close() }, icon("close"));
    const names = h("div", { class: "chips", role: "group", "aria-label": "What differs, one thing or two" });
    const lead = h("p", { class: "why" });
    const sections = h("div", { class: "axes" });
    const grid = h("div", { class: "cell-plan", role: "img" });
    const line = h("p", { class: "plan", "aria-live": "polite" });
    const faults = h("ul", { class: "cell-faults" });
    const note = Stir.note();
    const toggle = (key, words, hint) => Stir.toggle(words, wish[key], (on) => set({ [key]: on }), { title: hint, "data-wish": key });
    const paired = toggle("paired", "In pairs", "The first value of one with the first of the other, instead of every one with every other");
    const baseline = toggle("baseline", "Pin the shot as it is", "Untouched, to compare against: a cell of its own where none is the same");
    const blind = toggle("blind", "Blind", "Which is which stays hidden until you have picked a winner");
    const drafts = toggle("drafts", "Drafts first", "Every cell is tried out on the built-in model before it is made");
    const go = h("button", { type: "button", class: "primary", id: "compare-go", onclick: () => start() }, h("span", {}, ""));
    const node = h("dialog", { class: "new-comparison", "aria-label": "Compare" },
      h("div", { class: "row between sheet-head" }, h("h2", {}, "Compare"), close),
      h("div", { class: "axes-side" }, names, lead, sections),
      h("div", { class: "plan-side" }, grid, faults, h("div", { class: "wishes" }, paired, baseline, blind, drafts)),
      h("div", { class: "plan-foot" }, note.node, line, go));
    node.addEventListener("click", (event) => event.target === node && node.close());
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat) return;
      event.preventDefault();
      start();
    });
    root.append(node);
    Stir.on("open-comparison", open);

    const desk = () => {
      const all = Stir.now("cards") ?? [];
      const output = Stir.now("output");
      const card = Stir.card(output.model) ?? all[0];
      const picked = chosen.includes("model") ? all.filter((one) => values.model?.includes(one.id)) : [];
      return { card, cards: picked.length ? picked : [card], output, camera: Stir.now("camera"), effects: Stir.now("effects") ?? [], sentence: begun?.sentence ?? "", depths: begun?.depths ?? [] };
    };
    const axes = () => chosen.map((name) => ({ name, values: (values[name] ?? []).map((one) => one.trim()).filter(Boolean) }));
    const ready = () => chosen.length > 0 && axes().every((axis) => axis.values.length > 0) && axes().some((axis) => axis.values.length > 1);

    async function open() {
      note.clear();
      told = begun = null;
      await Stir.settle?.(); // what was typed last is in it
      await Stir.framed(); // and the crop where it belongs
      const answer = await ask(server.begin_comparison, { desk: Stir.values(props.desk) });
      if (!answer) return Stir.emit("refusal", { where: "photo", ...refused, pressed: true });
      begun = answer;
      for (const name of UNKEPT) delete values[name];
      const here = new Set((Stir.now("cards") ?? []).map((one) => one.id));
      if (values.model) values.model = values.model.filter((id) => here.has(id));
      chosen = chosen.filter((name) => Stir.axisWidgets.isMeant(name, desk()));
      if (!chosen.length) chosen = ["move"];
      chosen.forEach(begin);
      paint();
      node.showModal();
      names.querySelector("[aria-pressed='true']")?.focus();
    }
    let refused = null;
    /* Answered here, so that a refusal is shown here: null then. */
    async function ask(call, value) {
      const answer = await call(value).catch(() => undefined);
      refused = answer === undefined ? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." } : answer?.refusal;
      return refused ? null : answer;
    }
    function begin(name) {
      if (!values[name]?.length) values[name] = Stir.axisWidgets.begin(name, desk());
    }
    function remember() {
      memory.set("comparison", { chosen, values: Object.fromEntries(Object.entries(values).filter(([name]) => !UNKEPT.includes(name))), wish });
    }
    function set(change) {
      wish = { ...wish, ...change };
      remember();
      look();
      paintWishes();
    }
    /* A third one takes the place of the second. */
    function flip(name) {
      if (chosen.includes(name)) chosen = chosen.filter((one) => one !== name);
      else (chosen = [...chosen.slice(0, 1), name]), begin(name);
      remember();
      paint();
    }
    function change(name, next, focus = false, redraw = true) {
      values[name] = next;
      remember();
      if (redraw) paint(focus ? name : "");
      else look(), paintGo();
    }

    function paint(focus = "") {
      const now = desk();
      const shown = props.axes.filter(([name]) => chosen.includes(name) || Stir.axisWidgets.isMeant(name, now));
      Stir.redraw(names, () => names.replaceChildren(...shown.map(([name, words]) => h("button", { type: "button", class: "chip", "data-axis": name, "aria-pressed": String(chosen.includes(name)), onclick: () => flip(name) }, words))));
      lead.textContent = chosen.length ? (chosen.length > 1 ? "" : "Press a second one for a grid.") : "Choose what is to differ: one thing, or two for a grid.";
      lead.hidden = !lead.textContent;
      Stir.redraw(sections, () => sections.replaceChildren(...chosen.map((name, at) => section(name, at, now))));
      if (focus) sections.querySelector(`[data-axis='${focus}'] .adder input`)?.focus({ preventScroll: true });
      paintWishes();
      look();
    }
    function section(name, at, now) {
      rooms[name] ??= { get values() { return values[name] ?? []; }, most: props.most, open: new Set(), change: (next, focus, redraw) => change(name, next, focus, redraw) };
      const where = chosen.length > 1 && !wish.paired ? (at ? "down" : "across") : "";
      const swap = at === 0 && chosen.length > 1 && !wish.paired ? h("button", { type: "button", class: "ghost tiny", "aria-label": "Swap across and down", title: "Swap across and down", onclick: () => ((chosen = [...chosen].reverse()), remember(), paint()) }, icon("swap", 14)) : null;
      return h("section", { class: "axis", "data-axis": name, "aria-label": titles[name] }, h("div", { class: "axis-head" }, h("h3", {}, titles[name]), where ? h("span", { class: "why" }, where) : null, swap, h("span", { class: "grow" }), h("span", { class: "count" }, (values[name] ?? []).length >= props.most ? `${props.most} at most` : "")), Stir.axisWidgets.draw(name, now, rooms[name]));
    }
    function paintWishes() {
      paired.hidden = chosen.length < 2;
      drafts.hidden = !told?.drafts;
      for (const [key, one] of Object.entries({ paired, baseline, blind, drafts })) one.paint(wish[key]);
      paintGo();
    }

    // What it takes --------------------------------------------------------------------------------------------------
    const wanted = () => ({ desk: Stir.values(props.desk), axes: axes(), paired: wish.paired && chosen.length > 1, baseline: wish.baseline, drafts: wish.drafts });
    /* The newest question counts; what was told before stays, dimmed, until it is answered. */
    function look() {
      const mine = ++turn;
      node.classList.add("asking");
      if (!ready()) return (told = null), paintPlan();
      later(mine);
    }
    const later = Stir.later(async (mine) => {
      const answer = await ask(server.estimate_comparison, wanted());
      if (mine !== turn) return;
      told = answer;
      paintPlan();
    }, 250);
    function paintPlan() {
      node.classList.remove("asking");
      const cells = told?.cells ?? [];
      const inside = cells.filter((cell) => cell.row >= 0);
      const columns = Math.max(0, ...inside.map((cell) => cell.column)) + 1;
      const two = chosen.length > 1 && !(wish.paired && chosen.length > 1);
      grid.hidden = !cells.length;
      grid.style.setProperty("--columns", columns);
      grid.classList.toggle("two", two);
      const heads = two ? [h("i"), ...inside.filter((cell) => cell.row === 0).map((cell) => head(cell.words[0], true))] : [];
      const rows = [...new Set(inside.map((cell) => cell.row))].flatMap((row) => {
        const mine = inside.filter((cell) => cell.row === row);
        return [...(two ? [head(mine[0].words[1])] : []), ...mine.map((cell) => box(cell, two ? "" : cell.words.join(" · ")))];
      });
      const pinned = cells.filter((cell) => cell.row < 0).map((cell) => box(cell, "The shot as it is, untouched"));
      grid.replaceChildren(...(pinned.length ? [h("div", { class: "pinned" }, pinned)] : []), h("div", { class: "cells" }, heads, rows));
      const able = cells.filter((cell) => !cell.reason).length;
      grid.setAttribute("aria-label", `${able} of ${cells.length} cells can be made`);
      const reasons = new Map();
      for (const cell of cells) if (cell.reason) reasons.set(`${cell.reason} ${cell.remedy}`, [...(reasons.get(`${cell.reason} ${cell.remedy}`) ?? []), cell.words.join(", ") || "As it is"]);
      faults.replaceChildren(...[...reasons].map(([why, which]) => h("li", {}, icon("alert", 14), h("span", {}, h("strong", {}, which.length > 3 ? `${which.length} cells` : which.join("; ")), " ", why))));
      if (told) note.clear(), (line.textContent = [told.line, told.price?.totals].filter(Boolean).join(". ") + ".");
      else if (ready() && refused) (line.textContent = ""), note.show(refused);
      else note.clear(), (line.textContent = !chosen.length ? "" : "Choose at least two values.");
      paintWishes();
    }
    const head = (words, top) => h("span", { class: top ? "cell-head top" : "cell-head", title: words }, words);
    /* A cell in small: the photo where a clip will be, or the sign that there will be none. */
    function box(cell, words) {
      const face = cell.reason ? icon("alert", 16) : h("img", { src: Stir.file(Stir.now("frame").view), alt: "", draggable: "false" });
      return h("div", { class: cell.reason ? "cell-box out" : "cell-box", title: [cell.words.join(", "), cell.reason, cell.remedy].filter(Boolean).join(". ") }, h("div", { class: "cell-face-plan" }, face, cell.baseline ? h("span", {}, "as it is") : null), words ? h("span", {}, words) : null);
    }
    function paintGo() {
      go.disabled = sending || !told?.clips || !ready();
      go.firstChild.textContent = told?.clips ? `Make ${told.clips === 1 ? "1 clip" : `these ${told.clips} clips`}` : "Make them";
      if (told?.clips && told.price) go.firstChild.textContent += ` for ${Stir.priceWords(told.price)}`;
    }

    const start = Stir.once(async (press) => {
      if (go.disabled) return;
      sending = true;
      paintGo();
      const known = told?.price && !told.price.consents.length && !told.price.unknown ? Stir.seenPrice(told.price) : null;
      const id = await Stir.paying((paid) => ask(server.start_comparison, { ...wanted(), press, blind: wish.blind, paid: paid ?? known }));
      sending = false;
      paintGo();
      if (!id) return refused ? note.show(refused) : null;
      Stir.claim(id);
      node.close();
      Stir.say("The comparison is started.");
      Stir.compare(id);
    });
    Stir.on("models", () => node.open && paint());

    /* A short plain clip and one with each speed-up of the model, side by side. */
    const trySpeedups = Stir.once(async (press) => {
      await Stir.settle?.();
      await Stir.framed();
      const id = await ask(server.try_speedups, { desk: Stir.values(props.desk), press });
      if (!id) return Stir.emit("refusal", { where: "photo", ...refused, pressed: true });
      Stir.say("The speed-ups are being tried.");
      Stir.compare(id);
    });
    Stir.on("try-speedups", () => trySpeedups());
  };
})();
