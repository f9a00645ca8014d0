/* The library: a page of clips at a time, found by words; details in a sheet over the grid. */
(() => {
  const { h } = Stir;

  Stir.parts.library = ({ element, props, server }) => {
    const root = element.firstElementChild;
    let trashed = false;
    let loaded = [];
    let total = 0;
    let mark = "";
    let turn = 0;

    const search = h("input", { type: "search", id: "library-search", placeholder: "Search by photo, move, words…", "aria-label": "Search the library", maxlength: 200 });
    const count = h("span", { class: "count", "aria-live": "polite" });
    const shelves = Stir.segments("Show", [["shelf", "Library"], ["trash", "Trash"]], (value) => ((trashed = value === "trash"), shelves.paint(value), load()));
    shelves.paint("shelf");
    const empty = Stir.button("Empty trash", { class: "ghost", id: "empty-trash", hidden: true, onclick: () => confirm.showModal() }, "bin");
    const grid = h("div", { class: "grid" });
    const more = Stir.button("Show more", { class: "ghost more", hidden: true, onclick: () => load(loaded.length) });
    const nothing = h("div", { class: "nothing", hidden: true });
    const sure = h("p", {});
    const confirm = h("dialog", { class: "ask", "aria-label": "Empty the trash" }, h("h2", {}, "Empty the trash?"), sure, h("div", { class: "row end" },
      Stir.button("Keep them", { class: "ghost", onclick: () => confirm.close() }),
      Stir.button("Delete for good", { class: "danger", onclick: async () => (confirm.close(), await Stir.ask(server.empty_trash, {}), load()) })));
    const sheet = Stir.sheet(props, server, () => load());
    root.append(h("div", { class: "library-bar" }, h("h2", {}, "Library"), search, count, h("span", { class: "grow" }), empty, shelves.node), grid, more, nothing, confirm, sheet.node);

    async function load(offset = 0) {
      const mine = ++turn;
      const answer = await Stir.ask(server.find_clips, { words: search.value, trashed, offset });
      if (!answer || mine !== turn) return;
      loaded = offset ? [...loaded, ...answer.clips] : answer.clips;
      total = answer.count;
      const tiles = answer.clips.map((clip) => Stir.tile(clip, (card) => sheet.open(card.id)));
      if (offset) grid.append(...tiles);
      else grid.replaceChildren(...tiles);
      more.hidden = loaded.length >= total;
      empty.hidden = !trashed || !answer.trash;
      count.textContent = total ? `${total} clip${total > 1 ? "s" : ""}` : "";
      sure.textContent = `${answer.trash} clip${answer.trash === 1 ? "" : "s"} will be deleted from this computer. This can't be undone.`;
      nothing.hidden = total > 0;
      const words = search.value ? ["Nothing has these words.", "Search looks at photo names, titles, moves, effects and words."] : trashed ? ["The trash is empty.", "Clips you put away wait here until you delete them for good."] : ["No clips yet.", "Everything you animate is kept here, with its settings."];
      nothing.replaceChildren(h("p", {}, h("strong", {}, words[0])), h("p", {}, words[1]));
    }
    search.addEventListener("input", Stir.later(() => load(), 200));
    Stir.on("board", (board) => {
      const next = [board.kept, board.trashed, ...board.recent.map((clip) => clip.id + clip.rating + clip.title)].join();
      if (next === mark) return;
      mark = next;
      load();
    });
    new IntersectionObserver((seen) => seen[0].isIntersecting && !more.hidden && load(loaded.length), { rootMargin: "800px" }).observe(more);
  };
})();
