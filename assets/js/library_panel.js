/* The library: a page of clips at a time, found by words and stars, sorted; several are marked; details in a sheet over the grid.
   What is being looked at stays where it is: when clips come or go, behind another tab of the page, and when it is loaded again. */
(() => {
  const { h, memory, session } = Stir;
  const PAGE = 60;
  const HELD = 300; // cards at once: what lies further off is asked for again, so that ten thousand cost what a few do
  const LOOKED_AT = 24; // cards by which the place is found again, should the first of them be gone
  const AHEAD = 800; // px
  const SORTS = [["newest", "Newest first"], ["oldest", "Oldest first"], ["longest", "Longest first"], ["best", "Best rated first"], ["name", "By name"]];
  const STARS = [["0", "Any stars"], ...[1, 2, 3, 4, 5].map((count) => [String(count), "★".repeat(count) + (count < 5 ? " or more" : "")])];

  Stir.parts.library_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const cards = new Map(); // clip id → its card on the page
    let place = session.get("library", {}); // what is asked for, and the cards that are looked at: {words, stars, trashed, ids, top}
    let trashed = Boolean(place.trashed);
    let loaded = [];
    let start = 0; // clips before the first that is loaded
    let total = 0;
    let here = false; // whether the library is what the page shows
    let mark = "";
    let turn = 0;

    const search = h("input", { type: "search", id: "library-search", placeholder: "Search by photo, move, words…", "aria-label": "Search the library", maxlength: 200 });
    const count = h("span", { class: "count", "aria-live": "polite" });
    const sort = Stir.menu("Sort", SORTS, memory.get("library-sort", "newest"), (next) => (memory.set("library-sort", next), afresh()), { id: "library-sort" });
    const stars = Stir.menu("Stars", STARS, place.stars ?? "0", () => afresh(), { id: "library-stars" });
    const shelves = Stir.segments("Show", [["shelf", "Library"], ["trash", "Trash"]], (value) => ((trashed = value === "trash"), shelves.paint(value), afresh()));
    shelves.paint(trashed ? "trash" : "shelf");
    search.value = place.words ?? "";
    const empty = Stir.button("Empty trash", { class: "ghost", id: "empty-trash", hidden: true, onclick: () => confirm.showModal() }, "bin");
    const grid = h("ul", { class: "cards", "aria-label": "Clips" });
    const beside = h("ul", { class: "comparisons beside", "aria-label": "Comparisons" });
    const every = Stir.button("", { class: "ghost", id: "all-comparisons", onclick: () => (Stir.tell("comparison-words", search.value), Stir.goto("Compare")) }, "right");
    every.append(h("span"));
    const compared = h("section", { class: "compared", "aria-label": "Comparisons", hidden: true }, h("div", { class: "row between" }, h("h3", {}, "Comparisons"), every), beside);
    const more = Stir.button("Show more", { class: "ghost more", hidden: true, onclick: () => loadLater() });
    const earlier = Stir.button("Show earlier ones", { class: "ghost more", hidden: true, onclick: () => loadEarlier() });
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
    root.append(h("div", { class: "library-bar" }, h("h2", {}, "Library"), search, sort, stars, count, h("span", { class: "grow" }), empty, shelves.node), compared, earlier, grid, more, nothing, ...marks.nodes, confirm, sheet.node);

    const readSearch = () => ({ words: search.value, trashed, sort: sort.value, stars: Number(stars.value) });
    const columns = () => (grid.offsetParent ? getComputedStyle(grid).gridTemplateColumns.split(" ").length : 1);
    /* The cards in sight and below, each with where it stands on the screen. */
    const look = () => (grid.offsetParent ? [...grid.children] : []).map((one) => [one.dataset.card, one.getBoundingClientRect()]).filter(([, box]) => box.bottom > 0).slice(0, LOOKED_AT).map(([id, box]) => [id, box.top]);
    const isScrolled = () => window.scrollY > 8 && Boolean(grid.offsetParent);

    /* Another question: from the top, and nothing marked. */
    function afresh() {
      [loaded, start, place] = [[], 0, {}];
      remember();
      marks.clear();
      load();
    }
    function remember() {
      session.set("library", { ...place, words: search.value, stars: stars.value, trashed });
    }
    /* Where some clips stand now among those that are found: {id, place} of the first that is there, or {}. */
    const findPlace = (ids) => Stir.ask(server.find_place, { ...readSearch(), ids });
    /* Clips from `from` on; null where something else was asked meanwhile. */
    async function find(from, limit) {
      const mine = ++turn;
      const answer = await Stir.ask(server.find_clips, { ...readSearch(), offset: from, limit });
      return mine === turn ? answer : null;
    }
    /* All that is on the page, looked at again: the cards in sight stay in their places, whatever has come before them. */
    async function load() {
      const mine = ++turn;
      const first = !loaded.length && place.ids; // the page was loaded again: to where it was
      const ids = first || (isScrolled() ? look().map(([id]) => id) : []);
      let from = 0;
      if (ids.length) {
        const found = await findPlace(ids);
        if (!found || mine !== turn) return;
        const at = loaded.findIndex((one) => one.id === found.id);
        if (found.id) from = Math.max(0, at < 0 ? columns() * Math.floor((found.place - PAGE / 2) / columns()) : found.place - at);
      }
      const answer = await find(from, Math.max(PAGE, loaded.length));
      if (!answer) return;
      show(answer, answer.clips, from);
      if (first) back();
    }
    async function loadLater() {
      const answer = await find(start + loaded.length, PAGE);
      if (!answer) return;
      const all = join(loaded, answer.clips);
      const over = columns() * Math.ceil(Math.max(0, all.length - HELD) / columns()); // whole rows, so that no card changes its column
      show({ ...answer, count: answer.clips.length ? answer.count : start + all.length }, all.slice(over), start + over);
    }
    async function loadEarlier() {
      const many = Math.min(start, columns() * Math.ceil(PAGE / columns()));
      const answer = await find(start - many, many);
      if (answer) show(answer, join(answer.clips, loaded).slice(0, HELD), start - many, true);
    }
    function join(some, others) {
      const known = new Set(some.map((one) => one.id));
      return [...some, ...others.filter((one) => !known.has(one.id))];
    }
    function show(answer, clips, from, holding = isScrolled()) {
      hold(() => {
        [loaded, start, total] = [clips, from, answer.count];
        arrange();
        more.hidden = start + loaded.length >= total || !loaded.length;
        earlier.hidden = !start;
        if (!from) paintCompared(answer); // they come with the first clips
      }, holding);
      empty.hidden = !trashed || !answer.trash;
      count.textContent = total ? `${total} clip${total > 1 ? "s" : ""}` : "";
      sure.textContent = `${answer.trash} clip${answer.trash === 1 ? "" : "s"} will be deleted from this computer. This can't be undone.`;
      nothing.hidden = total > 0;
      const words = search.value ? ["Nothing has these words.", "Search looks at photo names, titles, moves, effects and words."] : stars.value !== "0" ? ["No clip has so many stars.", "Give stars to a clip beside its title, or to several that are marked."] : trashed ? ["The trash is empty.", "Clips you put away wait here until you delete them for good."] : ["No clips yet.", "Everything you animate is kept here, with its recipe."];
      nothing.replaceChildren(h("p", {}, h("strong", {}, words[0])), h("p", {}, words[1]));
      marks.paint();
      requestAnimationFrame(reach);
    }
    /* What comes next, where the end of what is loaded is near. The last few before it wait until their place is in sight: they move
       every card by as many columns. */
    function reach() {
      if (!grid.offsetParent) return;
      if (!more.hidden && more.getBoundingClientRect().top < innerHeight + AHEAD) loadLater();
      else if (start && earlier.getBoundingClientRect().bottom > (start < PAGE ? 0 : -AHEAD)) loadEarlier();
    }
    /* To where the page was: the first of the cards that were looked at and are here, as high on the screen as it stood. */
    function back() {
      const id = (place.ids ?? []).find((one) => cards.has(one));
      if (id) window.scrollBy({ top: cards.get(id).node.getBoundingClientRect().top - place.top, behavior: "instant" });
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
    function hold(draw, holding) {
      const seen = holding ? look() : [];
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
    for (const edge of [more, earlier]) new IntersectionObserver(reach, { rootMargin: AHEAD + "px" }).observe(edge);
    new IntersectionObserver((seen) => {
      const shown = seen.at(-1).isIntersecting;
      if (shown && !here) back(); // from another tab of the page
      here = shown;
    }).observe(root);
    addEventListener("scroll", Stir.later(() => {
      if (!here || !grid.offsetParent) return;
      const seen = isScrolled() ? look() : [];
      place = seen.length ? { ids: seen.map(([id]) => id), top: seen[0][1] } : {};
      remember();
    }, 120), { passive: true });
  };
})();
