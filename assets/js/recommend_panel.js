/* For this photo: two or three models with their reasons, at the head of the sheet of models; and the page that says which photo
   suits which model. */
(() => {
  const { h, memory } = Stir;
  const WISHES = [["faces", "Faces stay themselves"], ["sound", "Sound"], ["end_frame", "Ends on a photo"], ["commercial", "For commercial use"], ["offline", "Nothing to download"], ["hosted", "Hosted ones too"]];
  const PACE = [["speed", "Fast"], ["balance", "Balanced"], ["quality", "Best"]];
  const USES = [["", "Made for anything"], ["product", "A product"], ["travel", "Travel and lifestyle"], ["music", "Music and art"], ["estate", "Real estate"], ["brand", "A personal brand"]];

  /* The head of the sheet. `pick(id)` after a choice; `ask()` when the sheet opens. */
  Stir.recommendPanel = (pick) => {
    let wishes = { use: null, priority: "balance", ...memory.get("wishes", {}) };
    let chosen = "";
    const list = h("div", { class: "picks-list", role: "group", "aria-label": "Picks for this photo" });
    const pace = Stir.segments("Speed or quality", PACE, (priority) => set({ priority }));
    const use = Stir.menu("What the clip is for", USES, wishes.use ?? "", (next) => set({ use: next || null }), { class: "quiet" });
    const chips = h("div", { class: "chips", role: "group", "aria-label": "What matters" }, WISHES.map(([key, words]) => h("button", { type: "button", class: "chip", "data-matter": key, "aria-pressed": "false", onclick: () => set({ [key]: !wishes[key] }) }, words)));
    const node = h("section", { class: "picks", "aria-label": "For this photo", hidden: true }, h("div", { class: "row between" }, h("h3", {}, "For this photo"), h("div", { class: "row" }, use, pace.node)), chips, list);
    function set(change) {
      wishes = { ...wishes, ...change };
      memory.set("wishes", wishes);
      ask();
    }
    function ask() {
      node.hidden = !Stir.now("frame");
      pace.paint(wishes.priority);
      chips.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(Boolean(wishes[one.dataset.matter]))));
      chips.querySelector("[data-matter='hosted']").hidden = !(Stir.now("cards") ?? []).some((card) => card.ways.length);
      if (node.hidden) return;
      list.replaceChildren(h("p", { class: "why" }, "Looking…"));
      Stir.emit("ask-picks", wishes);
    }
    Stir.on("picks", ({ picks, reason, remedy }) => {
      if (!picks) return list.replaceChildren(h("p", { class: "why" }, `${reason} ${remedy}`));
      list.replaceChildren(...picks.map(({ model, says, gives_up }) => {
        const card = Stir.card(model);
        return h("button", { type: "button", class: "pick", "data-pick": model, "aria-current": model === chosen ? "true" : false, onclick: () => pick(model) }, h("strong", {}, card?.title ?? model), h("span", { class: "facts" }, model === chosen ? "Chosen" : ({ ready: "Ready", hosted: "Hosted" })[Stir.groupOf(card)] ?? Stir.standing(model)?.files ?? ""), h("p", { class: "says" }, says), gives_up ? h("p", {}, gives_up) : null);
      }));
    });
    return { node, ask: (now) => ((chosen = now), ask()) };
  };

  /* A silent part: wishes go out with the desk, picks come back. */
  Stir.parts.recommend_panel = ({ props, trigger, watch }) => {
    Stir.on("ask-picks", (wishes) => ((props.value = wishes), trigger("ask")));
    watch("value", () => props.value?.kind && Stir.emit("picks", props.value));
  };
})();
