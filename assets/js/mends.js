/* What has been mended in a photo: a chip for each, with its amount and a way to take it off. */
(() => {
  const { h, icon } = Stir;
  const LEAST = 0.05; // an amount of none is taken off instead

  /* titles: [{name, title, none, amount}], none is what a photo made larger without new detail is called; change(mends) after each change; compare(mend) to see what it does. */
  Stir.mends = (titles, { change, compare }) => {
    let mends = [];
    let open = ""; // the mend whose amount is shown
    const title = (mend) => titles.find((one) => one.name === mend.name) ?? { title: mend.name, none: "", amount: true };
    const percent = (amount) => Math.round(amount * 100) + " %";
    const enlarges = (mend) => Boolean(title(mend).none);
    const words = (mend) => (enlarges(mend) ? (mend.amount ? title(mend).title : title(mend).none) : `${title(mend).title} ${percent(mend.amount)}`);

    const chips = h("div", { class: "mend-chips", role: "group", "aria-label": "Mended" });
    const amount = Stir.slider("Amount", { min: LEAST, max: 1, step: 0.05, class: "mend-amount" }, (value) => ((output.textContent = percent(value)), relabel(value)));
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
})();
