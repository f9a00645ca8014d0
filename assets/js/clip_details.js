/* One clip in full: the player, its recipe in words, every choice with its reason, and what can be done with it. */
(() => {
  const { h } = Stir;

  Stir.clipDetails = (props, server, changed) => {
    let card = null;
    const room = h("div", { class: "sheet-film" });
    const title = h("input", { class: "sheet-title", "aria-label": "Title", maxlength: 200, spellcheck: false });
    title.addEventListener("change", async () => (await Stir.ask(server.title_clip, { id: card.id, title: title.value }), changed()));
    title.addEventListener("keydown", (event) => event.key === "Enter" && title.blur());
    const stars = Stir.stars(async (count) => (await Stir.ask(server.rate_clip, { id: card.id, stars: count }), changed()));
    const rows = h("dl", { class: "recipe" });
    const reasons = h("dl", { class: "reasons" });
    const recipe = Stir.toggle("Embed settings", true, () => {});
    const act = (words, picture, run, kind = "ghost") => Stir.button(words, { class: kind, onclick: run }, picture);
    const close = h("button", { type: "button", class: "ghost tiny sheet-close", "aria-label": "Close", onclick: () => node.close() }, Stir.icon("close"));
    const shelf = h("div", { class: "row" },
      act("Download", "down", () => Stir.download(server, card.id, recipe.querySelector("input").checked), "solid"),
      act("Poster", "photo", () => Stir.poster(card)),
      act("Finish", "scissors", () => (node.close(), Stir.emit("open-finish", { id: card.id })), "solid"),
      act("Post to…", "send", () => (node.close(), Stir.emit("open-post", { ids: [card.id] })), "solid"),
      act("Again", "retry", () => queued(server.again_clip)), act("Another take", "dice", () => queued(server.vary_clip)),
      act("Use photo", "photo", () => use("photo")), act("Use settings", "sliders", () => use("all")), Stir.elsewhere((model) => use("all", model)),
      props.local ? act("Open folder", "folder", () => Stir.ask(server.open_folder, { id: card.id })) : null,
      act("Move to trash", "bin", () => gone(server.trash_clip, card.id)));
    const bin = h("div", { class: "row" }, act("Bring back", "retry", () => gone(server.restore_clip), "solid"));
    const node = h("dialog", { class: "sheet" }, close, room, h("div", { class: "sheet-text" }, h("div", { class: "row between" }, title, stars.node), shelf, bin, recipe, rows, Stir.fold("Why it looks like this", reasons)));
    node.addEventListener("close", () => room.replaceChildren());
    node.addEventListener("click", (event) => event.target === node && node.close());

    const queued = Stir.once(async (press, call) => {
      if (!(await Stir.buy(call, { id: card.id, press }))) return;
      node.close();
      Stir.goto("Create");
    });
    function use(what, model) {
      node.close();
      Stir.useClip(server, card.id, what, model);
    }
    async function gone(call, trashed = null) {
      const answer = await Stir.ask(call, { id: card.id });
      node.close();
      changed(answer === null ? null : trashed);
    }
    return {
      node,
      async open(id) {
        const answer = await Stir.ask(server.detail_clip, { id });
        if (!answer) return;
        card = answer.clip;
        node.setAttribute("aria-label", card.title);
        title.value = card.title;
        room.replaceChildren(Stir.film(card));
        room.style.setProperty("--shape", card.width / card.height);
        stars.paint(card.rating);
        shelf.hidden = recipe.hidden = card.trashed;
        bin.hidden = !card.trashed;
        rows.replaceChildren(...answer.rows.flatMap(([name, words]) => [h("dt", {}, name), h("dd", {}, words)]));
        reasons.replaceChildren(...Stir.reasons(answer.choices));
        node.showModal();
      },
    };
  };
})();
