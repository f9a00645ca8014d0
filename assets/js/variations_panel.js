/* Variations: two to four shots that differ along one axis, each with its draft, chosen before any is made. */
(() => {
  const { h, icon, file } = Stir;
  const AXES = { amount: "Amount", direction: "Direction", effect: "Effect", pace: "Speed" };

  Stir.parts.variations_panel = ({ element, props, trigger, server, watch }) => {
    const root = element.firstElementChild;
    let wanted = { axis: "amount", count: 3 };
    let made = [];
    let mark = 0; // which asking the previews belong to
    let draft = null; // the model that tries them out first
    let sending = false;
    const axis = Stir.segments("What differs", Object.entries(AXES), (next) => ask({ axis: next }));
    const count = Stir.segments("How many", [[2, "2"], [3, "3"], [4, "4"]], (next) => ask({ count: Number(next) }));
    const list = h("div", { class: "variations" });
    const none = h("p", { class: "why" });
    const real = Stir.toggle("Then make them for real", false, () => paintGo(), { id: "vary-real" });
    const note = Stir.note();
    const go = h("button", { type: "button", class: "primary", id: "vary-go", onclick: () => queue() }, h("span", {}, ""));
    const close = h("button", { type: "button", class: "ghost tiny", "aria-label": "Close", onclick: () => node.close() }, icon("close"));
    const why = h("p", { class: "why" });
    const node = h("dialog", { class: "vary", "aria-label": "Variations" },
      h("div", { class: "row between" }, h("h2", {}, "Variations"), close),
      h("div", { class: "row between" }, axis.node, count.node), none, list, note.node,
      h("div", { class: "vary-foot" }, h("div", {}, real, why), go));
    node.addEventListener("click", (event) => event.target === node && node.close());
    root.append(node);
    Stir.on("open-variations", open);

    function open() {
      list.replaceChildren();
      made = [];
      draft = null;
      paintGo();
      node.showModal();
      ask({});
    }
    async function ask(change) {
      note.clear();
      wanted = { ...wanted, ...change };
      await Stir.settle?.(); // what was typed last is in it
      await Stir.framed(); // and the crop where it belongs
      props.value = wanted;
      axis.paint(wanted.axis);
      count.paint(wanted.count);
      list.classList.add("busy");
      trigger("ask");
    }
    function tile(one) {
      const film = h("video", { muted: true, loop: true, playsinline: true, autoplay: !Stir.calm(), "aria-hidden": "true", tabindex: "-1" });
      const box = h("input", { type: "checkbox", "aria-label": one.title });
      box.checked = one.on = true;
      box.addEventListener("change", () => ((one.on = box.checked), paintGo()));
      one.film = film;
      return h("label", { class: "variation" }, h("span", { class: "variation-film" }, film), h("span", { class: "variation-top" }, box, h("strong", {}, one.title)), h("span", { class: "variation-differs" }, one.differs));
    }
    /* One after the other: each is made by the engine that draws instant drafts, and the first should be there first. */
    async function see(mine) {
      for (const one of made) {
        const answer = await server.see_variation({ shot: one.shot }).catch(() => null);
        if (mine !== mark) return;
        if (answer?.path) one.film.src = file(answer.path);
        else one.film.closest(".variation").classList.add("blind");
      }
    }
    function paintGo() {
      const chosen = made.filter((one) => one.on).length;
      go.disabled = !chosen || sending;
      real.hidden = why.hidden = !draft;
      why.textContent = draft ? `Drafted on ${draft.title} first. ${draft.reason}` : "";
      const what = draft ? (real.querySelector("input").checked ? "Draft and render" : "Draft") : "Make";
      go.firstChild.textContent = chosen ? `${what} ${chosen === 1 ? "one" : "these " + chosen}` : "Choose at least one";
    }
    watch("value", () => {
      const value = props.value;
      if (value?.kind === "refusal") return note.show(value), list.classList.remove("busy");
      if (value?.kind !== "variations") return;
      const mine = ++mark;
      note.clear();
      list.classList.remove("busy");
      axis.node.querySelectorAll("button").forEach((one) => (one.disabled = !value.axes.includes(one.dataset.value)));
      axis.paint(value.axis);
      wanted = { axis: value.axis, count: value.count };
      ({ made, draft } = value);
      none.hidden = made.length > 0;
      none.textContent = "There is nothing to vary yet: choose a camera move, or something that moves.";
      list.style.setProperty("--count", made.length);
      list.style.setProperty("--shape", value.shape);
      list.replaceChildren(...made.map(tile));
      paintGo();
      see(mine);
    });
    const queue = Stir.once(async (press) => {
      const shots = made.filter((one) => one.on).map((one) => one.shot);
      sending = true; // a second press would queue them twice
      paintGo();
      const each = { shots, draft: true, real: real.querySelector("input").checked, press };
      const answer = await Stir.paying((paid) => server.queue_variations({ ...each, paid }).catch(() => undefined));
      sending = false;
      paintGo();
      if (answer === null) return; // it was not paid for
      const refused = answer ? answer.refusal : { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." };
      if (refused) return note.show(refused);
      node.close();
      Stir.say(`${answer.jobs.length} queued.`);
      Stir.emit("attach", answer.jobs.at(-1));
    });
  };
})();
