/* What has been mended in a photo: a chip for each, with its amount and a way to take it off. */
(() => {
  const { h, icon } = Stir;
  const LEAST = 0.05; // an amount of none is taken off instead

  /* titles: [{name, title, none, amount}], none is what a photo made larger without new detail is called; change(mends) after each change; compare(mend) to see what it does. */
  Stir.mendChips = (titles, { change, compare }) => {
    let mends = [];
    let open = ""; // the mend whose amount is shown
    const title = (mend) => titles.find((one) => one.name === mend.name) ?? { title: mend.name, none: "", amount: true };
    const percent = (amount) => Math.round(amount * 100) + " %";
    const enlarges = (mend) => Boolean(title(mend).none);
    const words = (mend) => (enlarges(mend) ? (mend.amount ? title(mend).title : title(mend).none) : `${title(mend).title} ${percent(mend.amount)}`);

    const chips = h("div", { class: "mend-chips", role: "group", "aria-label": "Fixes in use" });
    const amount = Stir.slider("Amount", { min: LEAST, max: 1, step: 0.05 }, (value) => ((output.textContent = percent(value)), relabel(value)));
    const output = h("output", {});
    const name = h("span", { class: "mend-label" });
    const more = h("div", { class: "mend-more", hidden: true }, h("label", { class: "joined grow" }, name, amount, output), Stir.button("Before and after", { class: "ghost tiny-text", onclick: () => compare(mends.find((one) => one.name === open)) }));
    const note = Stir.note();
    const node = h("div", { class: "mends", hidden: true }, chips, more);
    amount.addEventListener("change", () => change(mends.map((one) => (one.name === open ? { ...one, amount: Number(amount.value) } : one))));

    function relabel(value) {
      const chip = chips.querySelector(`[data-mend="${open}"] .mend-name`);
      if (chip) chip.textContent = words({ name: open, amount: value });
    }
    function off(mend) {
      if (open === mend.name) open = "";
      change(mends.filter((one) => one !== mend));
    }
    function choose(mend) {
      open = open === mend.name ? "" : mend.name;
      paint(mends);
    }
    function paint(now) {
      mends = now;
      node.hidden = !mends.length;
      const chosen = mends.find((one) => one.name === open);
      Stir.redraw(chips, () => chips.replaceChildren(...mends.map((mend) => h("span", { class: "mend", "data-mend": mend.name },
        title(mend).amount
          ? h("button", { type: "button", class: "mend-name", "aria-expanded": String(mend.name === open), onclick: () => choose(mend) }, words(mend))
          : h("span", { class: "mend-name" }, words(mend)),
        h("button", { type: "button", class: "mend-away", "aria-label": "Take off: " + words(mend), title: "Take it off", onclick: () => off(mend) }, icon("close", 10))))));
      more.hidden = !chosen;
      if (!chosen) return;
      name.textContent = enlarges(chosen) ? "New detail" : "Amount";
      amount.min = enlarges(chosen) ? 0 : LEAST;
      if (Number(amount.value) !== chosen.amount || !amount.dataset.of) amount.paint(chosen.amount);
      amount.dataset.of = chosen.name;
      output.textContent = percent(chosen.amount);
    }
    Stir.on("refusal", (refusal) => refusal.where === "mends" && (note.show(refusal), node.append(note.node)));
    return {
      node,
      words,
      paint: (now) => (JSON.stringify(now) !== JSON.stringify(mends) && (note.clear(), note.node.remove()), paint(now)),
      /* The keyboard's place after a mend was used. */
      focus: (mend) => [...chips.querySelectorAll("[data-mend]")].find((one) => one.dataset.mend === mend)?.querySelector("button").focus({ preventScroll: true }),
    };
  };

  /* The mends of the photo on the desk: seen before they are used, changed, and shown on the photo. `here()` is that photo, `of(id)`
     one of the strip; begins() before a before and after, changed() after each change. `times` is how much an upscale enlarges. */
  Stir.mending = ({ root, easel, stage, server, titles, times, here, of, begins, changed }) => {
    let turn = 0; // mended views asked for; only the last is shown
    const busy = h("span", { class: "easel-busy", hidden: true }, "Fixing…");
    easel.append(busy);
    const find = (words) => [...root.querySelectorAll(".remedy, .mend-all, .mend-name")].find((one) => one.textContent === words);
    const trial = Stir.beforeAfter({ easel, stage, server, use, closed: (was, held) => held && find(was.title)?.focus({ preventScroll: true }) });
    const chips = Stir.mendChips(titles, { change: (mends) => set(here(), mends), compare: (one) => open(chips.words(one), here().mends.filter((each) => each !== one), here().mends, null, false) });
    const enlargement = (mends) => (mends.some((one) => one.name === "upscale") ? times : 1);

    function open(title, before, after, box, offered) {
      begins();
      const photo = here();
      const [width, height] = [photo.width, photo.height].map((side) => side * enlargement(after));
      const [x, y, w, tall] = box ?? [];
      trial.open({ photo: photo.id, width, height, before, after, title, box: box ? { x, y, w, h: tall } : photo.crop, offered });
    }
    /* Other mends for a photo; with no `view` of them it is asked for, and what is shown stays until it comes. */
    function set(photo, mends, view = null) {
      trial.close();
      Object.assign(photo, { mends, mended: mends.length ? view ?? photo.mended : null, stale: !view });
      turn += 1;
      busy.hidden = true;
      changed();
      if (mends.length && !view) fetchView();
    }
    function use(id, mends, view) {
      const photo = of(id);
      const fresh = mends.find((one) => photo.mends.find((each) => each.name === one.name)?.amount !== one.amount);
      set(photo, mends, view);
      chips.focus(fresh?.name);
      Stir.say("Fixed.");
    }
    const fetchView = Stir.later(async () => {
      const photo = here();
      if (!photo?.mends.length) return;
      const mine = ++turn;
      busy.hidden = false;
      const answer = await Stir.ask(server.mended, { photo: photo.id, after: photo.mends }, "mends");
      if (mine !== turn) return;
      busy.hidden = true;
      if (!answer) return;
      Object.assign(photo, { mended: answer.view, stale: false });
      changed();
    }, 150);
    return {
      node: chips.node,
      paint: chips.paint,
      close: trial.close,
      times: enlargement,
      tryOut: (title, mends, box) => open(title, here().mends, mends, box, true),
      /* Another photo is on the desk: its mended view is fetched where it isn't here. */
      resume() {
        turn += 1;
        busy.hidden = true;
        if (here()?.mends.length && (!here().mended || here().stale)) fetchView();
      },
    };
  };
})();
