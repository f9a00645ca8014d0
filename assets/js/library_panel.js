/* The library: clips found by words and stars, sorted; several are marked; details in a sheet over the grid. What is looked at is found
   again: behind another tab of the page, when the page is loaded again, and when the words that were searched for are taken away. */
(() => {
  const { h, memory, session } = Stir;
  const SORTS = [["newest", "Newest first"], ["oldest", "Oldest first"], ["longest", "Longest first"], ["best", "Best rated first"], ["name", "By name"]];
  const STARS = [["0", "Any stars"], ...[1, 2, 3, 4, 5].map((count) => [String(count), "★".repeat(count) + (count < 5 ? " or more" : "")])];

  Stir.parts.library_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const kept = session.get("library", {}); // what was asked for, and the places: {words, stars, trashed, place, unsearched}
    let trashed = Boolean(kept.trashed);
    let words = kept.words ?? "";
    let unsearched = kept.unsearched ?? null; // where one was before words were searched for
    let total = 0;
    let mark = "";

    const search = h("input", { type: "search", id: "library-search", placeholder: "Search by photo, move, words…", "aria-label": "Search the library", maxlength: 200 });
    const count = h("span", { class: "count", "aria-live": "polite" });
    const sort = Stir.menu("Sort", SORTS, memory.get("library-sort", "newest"), (next) => (memory.set("library-sort", next), anew()), { id: "library-sort" });
    const stars = Stir.menu("Stars", STARS, kept.stars ?? "0", () => anew(), { id: "library-stars" });
    const shelves = Stir.segments("Show", [["shelf", "Library"], ["trash", "Trash"]], (value) => ((trashed = value === "trash"), shelves.paint(value), anew()));
    shelves.paint(trashed ? "trash" : "shelf");
    search.value = words;
    const empty = Stir.button("Empty trash", { class: "ghost", id: "empty-trash", hidden: true, onclick: () => confirm.showModal() }, "bin");
    const beside = h("ul", { class: "comparisons beside", "aria-label": "Comparisons" });
    const every = Stir.button("", { class: "ghost", id: "all-comparisons", onclick: () => (Stir.tell("comparison-words", search.value), Stir.goto("Compare")) }, "right");
    every.append(h("span"));
    const compared = h("section", { class: "compared", "aria-label": "Comparisons", hidden: true }, h("div", { class: "row between" }, h("h3", {}, "Comparisons"), every), beside);
    const nothing = h("div", { class: "nothing", hidden: true });
    const sure = h("p", {});
    const confirm = h("dialog", { class: "ask", "aria-label": "Empty the trash" }, h("h2", {}, "Empty the trash?"), sure, h("div", { class: "row end" },
      Stir.button("Keep them", { class: "ghost", onclick: () => confirm.close() }),
      Stir.button("Delete for good", { class: "danger", onclick: async () => (confirm.close(), await Stir.ask(server.empty_trash, {}), clips.load()) })));
    const sheet = Stir.clipDetails(props, server, (gone) => (gone && marks.offer([gone]), clips.load()));
    const clips = Stir.cardWindow({
      find: (span) => Stir.ask(server.find_clips, { ...readSearch(), ...span }),
      seek: (ids) => Stir.ask(server.find_place, { ...readSearch(), ids }),
      make: (one) => Stir.libraryCard(one, (clip) => sheet.open(clip.id), marks.pick),
      painted: paint,
      noted: remember,
      instead: () => marks.undo() ?? search,
    });
    const marks = Stir.libraryMarks(server, {
      cards: () => clips.loaded(),
      total: () => total,
      trashed: () => trashed,
      all: async () => (await Stir.ask(server.find_ids, readSearch()))?.ids,
      paint: () => clips.each((card, id) => card.paint(marks.has(id))),
      changed: () => clips.load(),
      most: props.most,
    });
    root.append(h("div", { class: "library-bar" }, h("h2", {}, "Library"), search, sort, stars, count, h("span", { class: "grow" }), empty, shelves.node), compared, clips.node, nothing, ...marks.nodes, confirm, sheet.node);

    const readSearch = () => ({ words: search.value, trashed, sort: sort.value, stars: Number(stars.value) });
    /* Another question: nothing is marked, and it is begun at the top, or at a place. */
    async function afresh(place = {}) {
      marks.clear();
      remember();
      await clips.load(place);
      if (!place.ids && root.getBoundingClientRect().top < 0) root.scrollIntoView({ behavior: "instant" });
    }
    /* Words that are searched for begin at the top; when they are taken away one is where one was. */
    function searchAgain() {
      if (search.value && !words) unsearched = clips.place();
      words = search.value;
      if (words) return afresh();
      afresh(unsearched ?? {});
      unsearched = null;
    }
    function anew() {
      unsearched = null;
      afresh();
    }
    function remember() {
      session.set("library", { words: search.value, stars: stars.value, trashed, place: clips.place(), unsearched });
    }
    /* What stands around the clips. */
    function paint(answer, offset) {
      total = answer.count;
      if (!offset) paintCompared(answer); // they come with the first clips
      empty.hidden = !trashed || !answer.trash;
      count.textContent = total ? `${total.toLocaleString("en")} clip${total > 1 ? "s" : ""}` : "";
      sure.textContent = `${answer.trash} clip${answer.trash === 1 ? "" : "s"} will be deleted from this computer. This can't be undone.`;
      nothing.hidden = total > 0;
      const said = search.value ? ["Nothing has these words.", "Search looks at photo names, titles, moves, effects and words."] : stars.value !== "0" ? ["No clip has so many stars.", "Give stars to a clip beside its title, or to several that are marked."] : trashed ? ["The trash is empty.", "Clips you put away wait here until you delete them for good."] : ["No clips yet.", "Everything you animate is kept here, with its recipe."];
      nothing.replaceChildren(h("p", {}, h("strong", {}, said[0])), h("p", {}, said[1]));
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
    search.addEventListener("input", Stir.later(searchAgain, 200));
    Stir.on("board", (board) => {
      const next = [board.kept, board.trashed, ...board.recent.map((clip) => clip.id + clip.rating + clip.title)].join();
      if (next === mark) return;
      mark = next;
      clips.load();
    });
    let place = kept.place ?? {}; // of the page before it was loaded again
    let shown = false;
    /* As soon as the tab is changed: before a scroll of the other tab can be taken for one of this one. */
    function follow() {
      if (shown === Boolean(root.offsetParent)) return;
      shown = !shown;
      if (!shown) return clips.leave();
      clips.restore(place); // comparisons may have changed elsewhere, too
      place = undefined;
    }
    new MutationObserver(follow).observe(root.closest("[role=tabpanel]"), { attributes: true });
    follow();
  };
})();
