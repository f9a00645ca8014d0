/* Clips in the library: a card with its caption and its mark, what is done with all that are marked, and Undo after the trash. */
(() => {
  const { h, icon } = Stir;
  const PATIENCE = 10_000; // ms that Undo is offered; it waits while one points at it or has the keyboard on it
  const MOST = 60; // clips in a reel, and clips that are posted at once
  const many = (count) => `${count} clip${count === 1 ? "" : "s"}`;
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
  const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select");

  /* A clip with what it is, seen without pointing at it. `pick(card, event)` when its mark is pressed. */
  Stir.libraryCard = (card, open, pick) => {
    const tick = h("input", { type: "checkbox", "aria-label": `Mark ${card.title}`, onclick: (event) => pick(card, event) });
    const tile = Stir.tile(card, open);
    tile.addEventListener("click", (event) => {
      if (!(event.shiftKey || event.ctrlKey || event.metaKey)) return;
      event.stopImmediatePropagation();
      pick(card, event);
    }, true);
    const size = `${Number(card.seconds.toFixed(1))} s · ${card.width} × ${card.height} · ${card.format.toUpperCase()}`;
    const words = h("div", { class: "card-words", onclick: () => (tile.focus({ preventScroll: true }), open(card)) }, h("div", { class: "card-title" }, h("strong", { title: card.title }, card.title), card.rating ? h("span", { class: "card-stars", role: "img", "aria-label": card.rating + (card.rating > 1 ? " stars" : " star") }, "★".repeat(card.rating)) : null), h("span", { title: card.motion }, card.motion), h("span", {}, size), h("span", {}, `${card.model} · ${day.format(card.made_at * 1000)}`));
    const node = h("li", { class: card.width >= 1.3 * card.height ? "card wide" : "card", "data-card": card.id }, h("div", { class: "card-face" }, tile, h("label", { class: "card-mark" }, tick, icon("check", 12))), words);
    const paint = (marked) => (node.classList.toggle("marked", marked), (tick.checked = marked));
    return { node, paint, seen: JSON.stringify(card) };
  };

  /* Which clips are marked, and the bar for them. `room` has {cards, all, total, trashed, paint, changed, most}. */
  Stir.libraryMarks = (server, room) => {
    const marked = new Set();
    let last = null;
    const count = h("strong", { "aria-live": "polite" });
    const every = Stir.button("", { class: "ghost", id: "mark-all", onclick: () => all() });
    every.append(h("span"));
    const stars = Stir.stars(async (given) => (await Stir.ask(server.rate_clips, { ids: [...marked], stars: given })) !== null && room.changed());
    const inside = Stir.toggle("Embed settings", Stir.memory.get("recipe", true), (on) => Stir.memory.set("recipe", on));
    const compare = Stir.button("Compare", { class: "solid", id: "compare-marked", onclick: Stir.once(() => sideBySide()) }, "grid");
    const reel = Stir.button("Make a reel", { class: "solid", id: "reel-marked", title: "One clip of all that are marked, in the order you marked them", onclick: () => (Stir.emit("open-finish", { ids: [...marked] }), clear()) }, "scissors");
    const post = Stir.button("Post to…", { class: "solid", id: "post-marked", onclick: () => Stir.emit("open-post", { ids: [...marked] }) }, "send");
    const zip = Stir.button("Download", { class: "solid", id: "export-marked", onclick: () => take() }, "down");
    const away = Stir.button("Move to trash", { class: "solid", id: "trash-marked", onclick: () => gone([...marked]) }, "bin");
    const back = Stir.button("Bring back", { class: "solid", id: "restore-marked", onclick: () => restore([...marked]) }, "retry");
    const none = h("button", { type: "button", class: "ghost tiny", "aria-label": "Unmark all", onclick: () => clear() }, icon("close"));
    const bar = h("div", { class: "marks", role: "group", "aria-label": "Marked clips", hidden: true }, none, count, every, h("span", { class: "grow" }), stars.node, inside, compare, reel, post, zip, away, back);

    const undo = h("button", { type: "button", class: "solid", id: "undo-trash", onclick: () => bringBack() }, h("span", {}, "Undo"), h("kbd", {}, /Mac/.test(navigator.platform) ? "⌘ Z" : "Ctrl Z"));
    const said = h("p", {});
    const toast = h("div", { class: "put-back", role: "status", popover: "manual" }, said, undo);
    let put = []; // what went to the trash last
    let timer = 0;

    function paint() {
      bar.hidden = !marked.size;
      count.textContent = `${marked.size} marked`;
      every.hidden = marked.size >= room.total();
      every.lastChild.textContent = `Mark all ${room.total()}`;
      const trashed = room.trashed();
      for (const one of [stars.node, inside, compare, reel, post, zip, away]) one.hidden = trashed;
      compare.disabled = marked.size < 2 || marked.size > room.most;
      reel.disabled = marked.size < 2 || marked.size > MOST;
      post.disabled = marked.size > MOST;
      compare.title = compare.disabled ? `Mark two to ${room.most} clips to see them side by side` : "See them side by side on one clock";
      back.hidden = !trashed;
      room.paint();
    }
    function clear() {
      marked.clear();
      last = null;
      stars.paint(0);
      paint();
    }
    async function all() {
      const answer = await room.all();
      if (!answer) return;
      answer.forEach((id) => marked.add(id));
      paint();
    }
    /* One more or one less; with Shift all between the last one and this. */
    async function pick(card, event) {
      const on = !marked.has(card.id);
      let cards = room.cards().map((one) => one.id);
      if (event.shiftKey && last && !cards.includes(last)) cards = (await room.all()) ?? cards;
      const [from, to] = [cards.indexOf(last), cards.indexOf(card.id)].sort((a, b) => a - b);
      const range = event.shiftKey && from >= 0 ? cards.slice(from, to + 1) : [card.id];
      for (const id of range) on ? marked.add(id) : marked.delete(id);
      last = card.id;
      paint();
    }
    async function take() {
      const [ids, recipe] = [[...marked], inside.querySelector("input").checked];
      if (ids.length === 1) return Stir.download(server, ids[0], recipe);
      zip.disabled = true;
      zip.lastChild.textContent = "Packing…";
      await Stir.download({ export_clip: (ask) => server.export_clips({ ids, recipe: ask.recipe }) }, "", recipe);
      zip.disabled = false;
      zip.lastChild.textContent = "Download";
    }
    async function sideBySide() {
      const id = await Stir.ask(server.compare_clips, { ids: [...marked] });
      if (!id) return;
      clear();
      Stir.compare(id);
    }
    async function gone(ids) {
      if (!ids.length || (await Stir.ask(server.trash_clips, { ids })) === null) return;
      offer(ids);
      clear();
      await room.changed();
    }
    async function restore(ids) {
      if ((await Stir.ask(server.restore_clips, { ids })) === null) return;
      Stir.say(`${many(ids.length)} brought back.`);
      clear();
      await room.changed();
    }
    function offer(ids) {
      put = ids;
      said.textContent = `${many(ids.length)} moved to the trash`;
      toast.hidePopover();
      toast.showPopover();
      wait();
    }
    function wait() {
      clearTimeout(timer);
      timer = setTimeout(() => (toast.matches(":hover, :focus-within") ? wait() : toast.hidePopover()), PATIENCE);
    }
    function bringBack() {
      if (!toast.matches(":popover-open")) return;
      toast.hidePopover();
      restore(put);
    }
    addEventListener("keydown", (event) => {
      if (!bar.parentElement.offsetParent || document.querySelector("dialog[open]") || event.defaultPrevented || typing(event.target)) return;
      const command = event.ctrlKey || event.metaKey;
      const does = command && event.key === "a" ? all : command && event.key === "z" && !event.shiftKey && toast.matches(":popover-open") ? bringBack : event.key === "Escape" && marked.size ? clear : event.key === "Delete" && marked.size && !room.trashed() ? () => gone([...marked]) : null;
      if (!does) return;
      event.preventDefault();
      does();
    });
    return {
      nodes: [bar, toast],
      pick,
      clear,
      offer,
      undo: () => (toast.matches(":popover-open") ? undo : null),
      has: (id) => marked.has(id),
      paint,
    };
  };
})();
