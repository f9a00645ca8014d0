/* The library: a page of clips at a time, found by words and stars, sorted; several are marked; details in a sheet over the grid. */
(() => {
  const { h, memory } = Stir;
  const PAGE = 60;
  const MOST = 1000; // in one answer
  const SORTS = [["newest", "Newest first"], ["oldest", "Oldest first"], ["longest", "Longest first"], ["best", "Best rated first"], ["name", "By name"]];
  const STARS = [["0", "Any stars"], ...[1, 2, 3, 4, 5].map((count) => [String(count), "★".repeat(count) + (count < 5 ? " or more" : "")])];

  Stir.parts.library_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const cards = new Map(); // clip id → its card on the page
    let trashed = false;
    let loaded = [];
    let total = 0;
    let mark = "";
    let turn = 0;

    const search = h("input", { type: "search", id: "library-search", placeholder: "Search by photo, move, words…", "aria-label": "Search the library", maxlength: 200 });
    const count = h("span", { class: "count", "aria-live": "polite" });
    const sort = Stir.menu("Sort", SORTS, memory.get("library-sort", "newest"), (next) => (memory.set("library-sort", next), afresh()), { id: "library-sort" });
    const stars = Stir.menu("Stars", STARS, "0", () => afresh(), { id: "library-stars" });
    const shelves = Stir.segments("Show", [["shelf", "Library"], ["trash", "Trash"]], (value) => ((trashed = value === "trash"), shelves.paint(value), afresh()));
    shelves.paint("shelf");
    const empty = Stir.button("Empty trash", { class: "ghost", id: "empty-trash", hidden: true, onclick: () => confirm.showModal() }, "bin");
    const grid = h("ul", { class: "cards", "aria-label": "Clips" });
    const beside = h("ul", { class: "comparisons beside", "aria-label": "Comparisons" });
    const every = Stir.button("", { class: "ghost", id: "all-comparisons", onclick: () => (Stir.tell("comparison-words", search.value), Stir.goto("Compare")) }, "right");
    every.append(h("span"));
    const compared = h("section", { class: "compared", "aria-label": "Comparisons", hidden: true }, h("div", { class: "row between" }, h("h3", {}, "Comparisons"), every), beside);
    const more = Stir.button("Show more", { class: "ghost more", hidden: true, onclick: () => load(loaded.length) });
    const nothing = h("div", { class: "nothing", hidden: true });
    const sure = h("p", {});
    const confirm = h("dialog", { class: "ask", "aria-label": "Empty the trash" }, h("h2", {}, "Empty the trash?"), sure, h("div", { class: "row end" },
      Stir.button("Keep them", { class: "ghost", onclick: () => confirm.close() }),
      Stir.button("Delete for good", { class: "danger", onclick: async () => (confirm.close(), await Stir.ask(server.empty_trash, {}), load()) })));
    const sheet = Stir.clipDetails(props, server, (gone) => (gone && marks.offer([gone]), load()));
    const marks = Stir.libraryMarks(server, {
      cards: () => loaded,
      total: () => total,
      trashed: () => trashed,
      all: async () => (await Stir.ask(server.find_ids, readSearch()))?.ids,
      paint: () => cards.forEach((card, id) => card.paint(marks.has(id))),
      changed: () => load(),
      most: props.most,
    });
    root.append(h("div", { class: "library-bar" }, h("h2", {}, "Library"), search, sort, stars, count, h("span", { class: "grow" }), empty, shelves.node), compared, grid, more, nothing, ...marks.nodes, confirm, sheet.node);

    const readSearch = () => ({ words: search.value, trashed, sort: sort.value, stars: Number(stars.value) });
    /* Another question: from the top, and nothing marked. */
    function afresh() {
      loaded = [];
      marks.clear();
      load();
    }
    /* A further page from `offset` on; without it all that is on the page is looked at again, and stays where it is. */
    async function load(offset = 0) {
      const mine = ++turn;
      const wanted = offset ? offset + PAGE : Math.max(PAGE, loaded.length);
      let found = offset ? loaded : [];
      let answer = null;
      let pairs = null; // comparisons come with the first page
      do {
        answer = await Stir.ask(server.find_clips, { ...readSearch(), offset: found.length, limit: Math.min(MOST, wanted - found.length) });
        if (!answer || mine !== turn) return;
        pairs ??= answer;
        const known = new Set(found.map((one) => one.id));
        found = [...found, ...answer.clips.filter((one) => !known.has(one.id))];
      } while (answer.clips.length && found.length < Math.min(wanted, answer.count));
      loaded = found;
      total = answer.count;
      hold(() => (arrange(), offset || paintCompared(pairs)));
      more.hidden = loaded.length >= total || !answer.clips.length;
      empty.hidden = !trashed || !answer.trash;
      count.textContent = total ? `${total} clip${total > 1 ? "s" : ""}` : "";
      sure.textContent = `${answer.trash} clip${answer.trash === 1 ? "" : "s"} will be deleted from this computer. This can't be undone.`;
      nothing.hidden = total > 0;
      const words = search.value ? ["Nothing has these words.", "Search looks at photo names, titles, moves, effects and words."] : stars.value !== "0" ? ["No clip has so many stars.", "Give stars to a clip beside its title, or to several that are marked."] : trashed ? ["The trash is empty.", "Clips you put away wait here until you delete them for good."] : ["No clips yet.", "Everything you animate is kept here, with its recipe."];
      nothing.replaceChildren(h("p", {}, h("strong", {}, words[0])), h("p", {}, words[1]));
      marks.paint();
    }
    /* Comparisons stand above the clips, found by the same words. */
    function paintCompared({ comparisons = [], compared: all = 0 }) {
      compared.hidden = !comparisons.length;
      every.hidden = all <= comparisons.length;
      every.lastChild.textContent = `All ${all}`;
      const next = JSON.stringify(comparisons);
      if (beside.dataset.seen === next) return;
      beside.dataset.seen = next;
      Stir.redraw(beside, () => beside.replaceChildren(...comparisons.map((one) => Stir.comparisonCard(one, { open: Stir.compare, foresee: () => {} }))));
    }
    /* The cards as they are loaded now: those that stay stay the same ones, so that what plays or has the keyboard goes on. */
    function arrange() {
      const focus = grid.contains(document.activeElement) ? document.activeElement : null;
      const at = focus ? [...grid.children].indexOf(focus.closest(".card")) : -1;
      const marking = focus?.matches("input");
      const wanted = new Set(loaded.map((one) => one.id));
      for (const [id, card] of cards) if (!wanted.has(id)) card.node.remove(), cards.delete(id);
      loaded.forEach((one, index) => {
        let card = cards.get(one.id);
        if (!card || card.seen !== JSON.stringify(one)) {
          const fresh = Stir.libraryCard(one, (clip) => sheet.open(clip.id), marks.pick);
          card?.node.replaceWith(fresh.node);
          cards.set(one.id, (card = fresh));
        }
        if (grid.children[index] !== card.node) grid.insertBefore(card.node, grid.children[index] ?? null);
      });
      if (!focus || (focus.isConnected && focus === document.activeElement)) return;
      const next = focus.isConnected ? focus.closest(".card") : (grid.children[at] ?? grid.lastElementChild);
      (next?.querySelector(marking ? "input" : "button") ?? marks.undo() ?? search).focus({ preventScroll: true });
    }
    /* Draw, and leave what is being looked at where it is on the screen. */
    function hold(draw) {
      const below = window.scrollY > 8 && grid.offsetParent;
      const seen = below ? [...grid.children].filter((one) => one.getBoundingClientRect().bottom > 0).slice(0, 24).map((one) => [one.dataset.card, one.getBoundingClientRect().top]) : [];
      draw();
      const [id, top] = seen.find(([id]) => cards.has(id)) ?? [];
      if (id) window.scrollBy({ top: cards.get(id).node.getBoundingClientRect().top - top, behavior: "instant" });
    }
    search.addEventListener("input", Stir.later(() => afresh(), 200));
    Stir.on("board", (board) => {
      const next = [board.kept, board.trashed, ...board.recent.map((clip) => clip.id + clip.rating + clip.title)].join();
      if (next === mark) return;
      mark = next;
      load();
    });
    new IntersectionObserver((seen) => seen.at(-1).isIntersecting && mark && load()).observe(search); // comparisons change elsewhere
    new IntersectionObserver((seen) => seen[0].isIntersecting && !more.hidden && load(loaded.length), { rootMargin: "800px" }).observe(more);
  };
})();
