/* Models on the desk: the chosen one as a row, and a sheet to choose another from. */
(() => {
  const { h, icon } = Stir;
  const GROUPS = [["ready", "Ready on this computer"], ["hosted", "Hosted · needs your own token"], ["download", "Needs a download"], ["out", "Out of reach here"]];
  const WISHES = [["prompt", "Reads words"], ["end_frame", "End frame"], ["sound", "Sound"], ["audio", "Takes a voice"], ["motion_video", "Takes a film"]];

  /* What each way in to a hosted model costs and takes, one after the other. */
  const listWays = (card) => card.ways.map((one) => h("span", { class: "model-offer", "data-offer": one.name }, h("b", {}, one.title), " " + [one.price, one.speed].filter(Boolean).join(" · ")));
  function option(card, chosen, pick) {
    const state = Stir.standing(card.id);
    const group = Stir.groupOf(card);
    const out = group === "out" || (group === "hosted" && state?.fits === "no");
    const told = group === "hosted" && !Stir.hasToken(); // at the head of the group, for all of them
    const why = out && !told ? state.reason : group === "download" ? state?.files : "";
    return h(
      "button",
      { type: "button", class: "model", role: "option", tabindex: "-1", "data-model": card.id, "data-group": group, "aria-selected": String(card.id === chosen), "aria-disabled": out ? "true" : false, onclick: () => !out && pick(card.id) },
      h("span", { class: "model-top" }, h("strong", {}, card.title), Stir.facts(card).slice(group === "hosted" ? 1 : 0)),
      h("span", { class: "model-line" }, card.summary),
      card.ways.length ? h("span", { class: "model-offers" }, listWays(card)) : null,
      why ? h("span", { class: "model-why" }, why) : null,
    );
  }

  function sheet(choose) {
    const wishes = new Set();
    let chosen = "";
    let unfolded = false; // the hosted ones, by hand
    const list = h("div", { class: "model-list" });
    const none = h("p", { class: "why", hidden: true }, "No model has all of these.");
    const find = h("input", { type: "search", class: "model-find", "aria-label": "Find a model", placeholder: "Find a model", oninput: () => paint() });
    const filters = h("div", { class: "chips", role: "group", "aria-label": "Only models that have" }, WISHES.map(([key, words]) =>
      h("button", { type: "button", class: "chip", "data-wish": key, "aria-pressed": "false", onclick: (event) => {
        if (!wishes.delete(key)) wishes.add(key);
        event.currentTarget.setAttribute("aria-pressed", String(wishes.has(key)));
        paint();
      } }, words)));
    const close = h("button", { type: "button", class: "ghost tiny", "aria-label": "Close", onclick: () => node.close() }, icon("close"));
    const pick = (id) => (node.close(), choose(id));
    const picks = Stir.recommendPanel(pick);
    const more = Stir.button("Downloads, memory and details are on the Models tab", { class: "ghost tiny-text", onclick: () => (node.close(), Stir.goto("Models")) });
    const node = h("dialog", { class: "picker", "aria-label": "Choose a model" }, h("div", { class: "picker-head" }, h("div", { class: "row between" }, h("h2", {}, "Choose a model"), close), find), h("div", { class: "picker-body" }, picks.node, filters, list, none), h("div", { class: "picker-foot" }, more));
    const options = () => [...list.querySelectorAll("[role=option]")].filter((one) => !one.closest("details:not([open])"));
    const takeFocus = (target) => list.querySelectorAll("[role=option]").forEach((one) => (one.tabIndex = one === target ? 0 : -1));
    /* Every word of what is looked for begins a word of the model's name, its maker's or what it is good at. */
    const named = ({ title, maker, good_at, summary }) => [title, maker, ...good_at, summary].join(" ").toLowerCase().split(/[^\p{L}\p{N}.]+/u);
    const sought = () => find.value.toLowerCase().split(/\s+/).filter(Boolean);

    function paint() {
      const words = sought();
      const cards = (Stir.now("cards") ?? []).filter((card) => [...wishes].every((wish) => card.supports.includes(wish) || card.ways.some((way) => way.slots[wish])) && words.every((word) => named(card).some((one) => one.startsWith(word))));
      none.hidden = cards.length > 0;
      none.textContent = words.length ? "No model is called so." : "No model has all of these.";
      picks.node.classList.toggle("aside", words.length > 0);
      const focus = list.contains(document.activeElement) ? document.activeElement.dataset.model : null;
      const groups = Stir.now("models") ? GROUPS : [["", "Looking at this computer…"]];
      list.replaceChildren(...groups.flatMap(([key, title]) => section(key, title, cards.filter((card) => !key || Stir.groupOf(card) === key))));
      takeFocus(options().find((one) => one.dataset.model === (focus ?? chosen)) ?? options()[0]);
      if (focus) options().find((one) => one.tabIndex === 0)?.focus({ preventScroll: true });
    }
    function section(key, words, cards) {
      if (!cards.length) return [];
      const heading = h("h3", { id: "group-" + key }, words, h("span", { class: "count" }, cards.length));
      const listbox = h("div", { class: "model-group", role: "listbox", "aria-labelledby": "group-" + key }, cards.map((card) => option(card, chosen, pick)));
      if (key === "hosted") return [hosted(heading, listbox, cards)];
      const instead = key === "out" && Stir.fallback();
      const offer = instead && instead.id !== chosen ? Stir.button("Use " + instead.title, { class: "ghost tiny-text", onclick: () => pick(instead.id) }) : null;
      const plainly = key === "out" && Stir.gauge().plainly ? h("p", { class: "why" }, Stir.gauge().plainly) : null;
      return [h("div", { class: "model-group", role: "group", "aria-labelledby": "group-" + key }, h("div", { class: "row between" }, heading, offer), plainly, listbox)];
    }
    /* Quiet until there is a token: folded, with what it takes to use them. */
    function hosted(heading, listbox, cards) {
      const open = Stir.hasToken() || unfolded || sought().length > 0 || wishes.size > 0 || cards.some((card) => card.id === chosen);
      const fold = h("details", { class: "fold hosted-group", role: "group", "aria-labelledby": "group-hosted", open }, h("summary", {}, heading),
        h("div", { class: "row between hosted-why" }, h("p", { class: "why" }, Stir.hostedWords()), Stir.button(Stir.hasToken() ? "Tokens and budget" : "Add a token", { class: "ghost tiny-text", onclick: () => (node.close(), Stir.goto("Settings", Stir.hasToken() ? "#day-budget" : "#services [data-token]")) })), listbox);
      fold.querySelector("summary").addEventListener("click", () => (unfolded = !fold.open));
      return fold;
    }
    const nearTo = (event, to) => {
      event.preventDefault();
      takeFocus(to);
      to.focus();
    };
    list.addEventListener("keydown", (event) => {
      const all = options();
      const at = all.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
      if (at >= 0 && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) return find.focus(); // a name is typed
      if (to !== undefined && at >= 0) nearTo(event, all[Stir.clamp(to, 0, all.length - 1)]);
    });
    find.addEventListener("keydown", (event) => {
      const first = options()[0];
      if (event.key === "ArrowDown" && first) nearTo(event, first);
      else if (event.key === "Enter" && sought().length) (event.preventDefault(), first?.click());
    });
    node.addEventListener("click", (event) => event.target === node && node.close());
    for (const topic of ["cards", "models"]) Stir.on(topic, () => node.open && paint());
    return {
      node,
      open(id) {
        chosen = id;
        find.value = "";
        paint();
        picks.ask(id);
        node.showModal();
        options().find((one) => one.tabIndex === 0)?.focus();
      },
    };
  }

  /* The chosen model as a row that opens the sheet, and below it what stands in its way. `choose(id)` after a choice. */
  Stir.modelPicker = (choose) => {
    let chosen = "";
    const face = h("button", { type: "button", class: "model chosen", id: "model", "aria-haspopup": "dialog", onclick: () => choice.open(chosen) });
    const words = h("p", {});
    const act = Stir.button("", { class: "solid" });
    const way = h("div", { class: "model-way", hidden: true }, words, act);
    const choice = sheet(choose);
    act.append(h("span"));
    let does = () => {};
    act.addEventListener("click", () => does());

    function paint() {
      const card = Stir.card(chosen);
      if (!card) return;
      const many = (Stir.now("cards") ?? []).length > 1;
      face.disabled = !many;
      const change = many ? h("span", { class: "model-change" }, h("span", { class: "unseen" }, "Choose a model. "), "Change", icon("chevron", 12)) : null;
      face.replaceChildren(h("span", { class: "model-top" }, h("strong", {}, card.title), Stir.facts(card), change ?? ""), h("span", { class: "model-line" }, card.summary));
      const state = Stir.standing(chosen);
      const instead = Stir.fallback();
      way.hidden = !state || state.group === "ready";
      if (way.hidden) return;
      if (state.group === "hosted") {
        if (state.fits !== "no") return (way.hidden = true);
        obstacle(`${state.reason} ${state.remedy}`, "Tokens…", () => Stir.goto("Settings", "#services [data-token]"));
      } else if (state.group === "out") obstacle(`${card.title} is out of reach here. ${state.reason} ${state.remedy}`, "Use " + instead.title, () => choose(instead.id));
      else obstacle(state.downloading ? "It is being downloaded. Drafts of the camera path work meanwhile." : `${state.files}. Drafts of the camera path work without it.`, state.downloading ? "Show" : state.disk === "partly" ? "Resume…" : "Download…", () => {
        Stir.tell("wanted-model", state.downloading ? null : chosen);
        Stir.goto("Models");
      });
    }
    function obstacle(reason, label, run) {
      words.textContent = reason;
      act.lastChild.textContent = label;
      does = run;
    }
    for (const topic of ["cards", "models"]) Stir.on(topic, paint);
    return { nodes: [face, way, choice.node], paint: (id) => ((chosen = id), paint()) };
  };

  /* A quiet menu on a finished clip: its settings, on another model. `take(id)` after a choice. */
  Stir.elsewhere = (take) => {
    const menu = h("select", { class: "quiet elsewhere", "aria-label": "On another model", onchange: () => {
      const id = menu.value;
      menu.value = "";
      if (id) take(id);
    } });
    let mark = "";
    function paint() {
      const cards = (Stir.now("cards") ?? []).filter((card) => Stir.groupOf(card) !== "out" && !(Stir.groupOf(card) === "hosted" && Stir.standing(card.id)?.fits === "no"));
      const next = cards.map((card) => card.id + Stir.groupOf(card)).join();
      menu.hidden = cards.length < 2;
      if (next === mark) return;
      mark = next;
      menu.replaceChildren(h("option", { value: "" }, "On another model…"), ...cards.map((card) => h("option", { value: card.id }, card.title + (Stir.groupOf(card) === "download" ? " (to download)" : ""))));
    }
    for (const topic of ["cards", "models"]) Stir.on(topic, paint);
    return menu;
  };
})();
