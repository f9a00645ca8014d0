/* Comparisons: the list, found by words, and one of them on the table with its clock, its tray and its winner.
   Other parts open one by Stir.compare(id). */
(() => {
  const { h, memory } = Stir;
  const PATIENCE = 10_000; // ms that Undo is offered; it waits while one points at it or has the keyboard on it
  const JUMP = 1; // seconds
  const FORESEE = 6; // clips that are got ready
  const FORESEEN = 3000; // ms that an answer is good for
  const OPEN = "stir.comparing"; // in this tab of the browser: what is open while one looks at comparisons
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
  const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
  const PHOTO = { id: "photo", state: "photo", title: "The photo", named: [], differs: [], facts: {}, clip: null, column: 0, row: -1 };

  Stir.comparisonCard = card;
  Stir.compare = (id) => {
    Stir.tell("comparison", id);
    Stir.goto("Compare");
  };

  /* One comparison in the list. */
  function card(one, { open, foresee }) {
    const faces = h("span", { class: "comparison-faces", "data-count": Math.min(one.thumbs.length, 4) }, one.thumbs.map((thumb) => h("img", { src: Stir.file(thumb), alt: "", loading: "lazy", draggable: "false" })));
    const state = one.going ? `${one.done} of ${one.count} made` : many(one.count, "clip");
    const words = [state, one.blind ? "blind" : one.won ? "a winner is picked" : "", day.format(one.made_at * 1000)].filter(Boolean).join(" · ");
    return h("li", { class: "comparison-card", "data-comparison": one.id }, h("button", { type: "button", onclick: () => open(one.id), onpointerenter: () => foresee(one.id), onfocus: () => foresee(one.id) }, faces, h("strong", {}, one.name), h("span", {}, words)));
  }

  Stir.parts.compare_panel = ({ element, server }) => {
    const root = element.firstElementChild;
    let one = null; // the comparison that is open
    let listed = [];
    let trashed = false;
    let turn = 0;
    let opening = 0;
    let put = ""; // the comparison whose losers went to the trash last
    let timer = 0;

    // The list -------------------------------------------------------------------------------------------------------
    const search = h("input", { type: "search", id: "compare-search", placeholder: "Search by name, model, words…", "aria-label": "Search comparisons", maxlength: 200 });
    const count = h("span", { class: "count", "aria-live": "polite" });
    const shelves = Stir.segments("Show", [["shelf", "Comparisons"], ["trash", "Trash"]], (value) => ((trashed = value === "trash"), shelves.paint(value), find()));
    shelves.paint("shelf");
    const cards = h("ul", { class: "comparisons", "aria-label": "Comparisons" });
    const more = Stir.button("Show more", { class: "ghost more", hidden: true, onclick: () => find(listed.length) });
    const nothing = h("div", { class: "nothing", hidden: true });
    const list = h("section", { class: "comparison-list", "aria-label": "All comparisons" }, h("div", { class: "library-bar" }, h("h2", {}, "Compare"), search, count, h("span", { class: "grow" }), shelves.node), cards, more, nothing);
    search.addEventListener("input", Stir.later(() => find(), 200));

    async function find(offset = 0) {
      const mine = ++turn;
      const answer = await Stir.ask(server.find_comparisons, { words: search.value, trashed, offset });
      if (!answer || mine !== turn) return;
      listed = offset ? [...listed, ...answer.comparisons] : answer.comparisons;
      Stir.redraw(cards, () => cards.replaceChildren(...listed.map((entry) => card(entry, { open, foresee }))));
      more.hidden = listed.length >= answer.count;
      count.textContent = answer.count ? many(answer.count, "comparison") : "";
      nothing.hidden = answer.count > 0;
      const words = search.value ? ["Nothing has these words.", "Search looks at names, models, settings and words."] : trashed ? ["The trash is empty.", "Comparisons you put away wait here; their clips stay in the library."] : ["No comparisons yet.", "Make several clips of one photo at once on Create, or mark clips in the library, and see them here on one clock."];
      nothing.replaceChildren(h("p", {}, h("strong", {}, words[0])), h("p", {}, words[1]));
    }

    // One of them ----------------------------------------------------------------------------------------------------
    const transport = Stir.compareTransport(() => table);
    const { clock } = transport;
    const table = Stir.compareTable(clock, { server, photo: () => one?.photo, pick: (cell) => pick(cell.id), retry, changed: () => one && look() });
    const back = Stir.button("All comparisons", { class: "ghost", id: "compare-back", onclick: () => close() }, "left");
    const name = h("input", { class: "sheet-title", id: "compare-name", "aria-label": "Name", maxlength: 200, spellcheck: false });
    const about = h("span", { class: "count" });
    const sort = h("select", { id: "compare-sort", "aria-label": "Sort", onchange: () => (memory.set("sort-" + one.id, sort.value), show(one)) });
    const reveal = Stir.button("Show the names", { class: "ghost", id: "compare-reveal", onclick: () => change(server.reveal_comparison, { id: one.id }) });
    const away = Stir.button("", { class: "ghost", id: "compare-away", onclick: () => putAway() }, "bin");
    away.append(h("span"));
    const exporter = Stir.compareExport(server, {
      id: () => one.id,
      shown: () => table.shown.map((cell) => cell.id),
      pair: () => (table.mode === "grid" ? [] : table.pair),
      heard: () => table.heard,
      count: () => one.cells.filter((cell) => cell.state !== "photo").length + (table.has("photo") ? 1 : 0),
      blind: () => one.blind,
    });
    const bar = h("div", { class: "comparison-bar" }, back, name, about, h("span", { class: "grow" }), reveal, sort, exporter.node, away);
    const elsewhere = Stir.elsewhere((model) => Stir.useClip(server, one.cells.find((cell) => cell.id === one.winner).clip.id, "all", model));
    const prize = h("div", { class: "prize", role: "group", "aria-label": "The winner", hidden: true });
    const tray = h("ol", { class: "tray", "aria-label": "All of them" });
    const trayRoom = h("section", { class: "tray-room", "aria-label": "Choose what is looked at", hidden: true }, h("h2", {}), tray);
    const view = h("section", { class: "comparison", "aria-label": "A comparison", hidden: true }, bar, transport.tools, table.node, h("div", { class: "table-foot" }, prize, transport.bar), trayRoom);
    const undo = h("button", { type: "button", class: "solid", id: "undo-losers", onclick: () => bringBack(put) }, h("span", {}, "Undo"));
    const gone = h("p", {});
    const toast = h("div", { class: "put-back", role: "status", popover: "manual" }, gone, undo);
    root.append(list, view, toast);

    name.addEventListener("change", async () => {
      const renamed = one;
      const kept = await Stir.ask(server.name_comparison, { id: renamed.id, name: name.value });
      if (kept) renamed.name = kept;
      if (one?.id === renamed.id) name.value = kept ?? one.name;
    });
    name.addEventListener("keydown", (event) => event.key === "Enter" && name.blur());

    /* What is pointed at is asked for before it is pressed. */
    let foreseen = { id: "", answer: null };
    function foresee(id) {
      const answer = Stir.ask(server.show_comparison, { id });
      answer.then((found) => {
        const clips = found?.cells.map((cell) => cell.clip).filter(Boolean).slice(0, FORESEE) ?? [];
        for (const clip of clips) if (clip.first) new Image().src = Stir.file(clip.first);
        if (window.VideoDecoder) for (const clip of clips) if (Stir.isFilm(clip)) Stir.packetIndex(server, clip.id).catch(() => {});
      });
      foreseen = { id, answer };
      setTimeout(() => foreseen.answer === answer && (foreseen = { id: "", answer: null }), FORESEEN);
    }
    async function open(id) {
      const mine = ++opening;
      const answer = await (foreseen.id === id ? foreseen.answer : Stir.ask(server.show_comparison, { id }));
      if (mine !== opening) return;
      foreseen = { id: "", answer: null };
      if (!answer) return close();
      const fresh = one?.id !== answer.id;
      if (fresh) clock.playing && clock.pause(), clock.seek(0);
      list.hidden = true;
      view.hidden = false;
      remember(id);
      show(answer);
      if (!fresh) return;
      scrollTo({ top: 0, behavior: "instant" });
      play();
    }
    /* It begins by itself only where motion is welcome; what it shows first is there for all at once. */
    async function play() {
      const mine = one.id;
      delete view.dataset.open;
      await Promise.allSettled(table.players.map((player) => player.opened));
      if (one?.id !== mine || !view.offsetParent) return;
      view.dataset.open = mine;
      paintTray();
      if (!Stir.calm() && document.visibilityState === "visible") clock.play();
    }
    function remember(id) {
      try {
        id ? sessionStorage.setItem(OPEN, id) : sessionStorage.removeItem(OPEN);
      } catch {
        /* a private window may refuse; then a reload begins on Create */
      }
    }
    function close() {
      opening += 1;
      clock.playing && clock.pause();
      exporter.close();
      table.clear();
      one = null;
      remember("");
      Stir.tell("comparison", "");
      view.hidden = true;
      list.hidden = false;
      find();
    }
    const psnr = new Map(); // cell id → dB to the plain clip, of a comparison of speed-ups
    const measured = new Set(); // cells that were done when it was asked for
    async function measureLikeness() {
      const clips = one.cells.filter((cell) => cell.state === "done" && cell.clip && !cell.draft);
      if (one.blind || clips.length < 2 || !one.axes.some((axis) => axis.name === "speedup") || clips.every((cell) => measured.has(cell.id))) return;
      for (const cell of clips) measured.add(cell.id);
      const id = one.id;
      const found = await Stir.ask(server.measure_likeness, { id });
      const before = psnr.size;
      for (const [cell, decibels] of Object.entries(found ?? {})) psnr.set(cell, decibels);
      if (one?.id === id && psnr.size > before) show(one);
    }

    function show(next) {
      one = next;
      for (const cell of one.cells) cell.psnr = psnr.get(cell.id);
      measureLikeness();
      if (document.activeElement !== name) name.value = one.name;
      const clips = one.cells.filter((cell) => cell.state !== "photo");
      const cells = one.photo && one.cells.length === clips.length ? [...one.cells, PHOTO] : one.cells;
      const sorts = [["", "As they were asked for"], ...Stir.compareSorts(clips).map(([key, words]) => [key, words])];
      const wanted = memory.get("sort-" + one.id, "");
      sort.replaceChildren(...sorts.map(([key, words]) => h("option", { value: key }, words)));
      sort.value = sorts.some(([key]) => key === wanted) ? wanted : "";
      sort.hidden = sorts.length < 2;
      about.textContent = [many(clips.length, "clip"), one.axes.map((axis) => axis.title).join(one.paired ? " with " : " × "), day.format(one.made_at * 1000)].filter(Boolean).join(" · ");
      reveal.hidden = !one.blind;
      away.lastChild.textContent = one.trashed ? "Bring back" : "To trash";
      const order = Stir.sortCells(clips, sort.value);
      table.show(one, [...order, ...cells.filter((cell) => cell.state === "photo")], findGrid(clips));
      paintPrize();
    }
    /* The grid that the cells lie in, while they are in its order. */
    function findGrid(clips) {
      if (one.axes.length !== 2 || one.paired || sort.value) return null;
      return { columns: Math.max(...clips.map((cell) => cell.column)) + 1, rows: Math.max(...clips.map((cell) => cell.row)) + 1 };
    }
    function look() {
      transport.look(table, Boolean(one.photo));
      paintTray();
    }
    /* Every cell in small, where there are more than the table holds: in its place in the grid. */
    function paintTray() {
      const clips = one.cells.filter((cell) => cell.state !== "photo");
      trayRoom.hidden = clips.length < 3 || view.dataset.open !== one.id; // the films go first
      if (trayRoom.hidden) return;
      const grid = findGrid(clips);
      const inGrid = Boolean(grid);
      tray.style.setProperty("--columns", grid?.columns ?? 0);
      tray.classList.toggle("by-axes", inGrid);
      trayRoom.firstChild.textContent = `${table.shown.filter((cell) => cell.state !== "photo").length} of ${clips.length} are on the table`;
      const mark = JSON.stringify([clips.map((cell) => [cell.id, cell.title, cell.state, cell.clip?.thumb, table.has(cell.id)]), inGrid, one.winner]);
      if (tray.dataset.mark === mark) return;
      tray.dataset.mark = mark;
      Stir.redraw(tray, () => tray.replaceChildren(...clips.map((cell) => trayTile(cell, inGrid))));
    }
    function trayTile(cell, inGrid) {
      const on = table.has(cell.id);
      const label = `${cell.title}${on ? ", on the table" : ""}${cell.id === one.winner ? ", the winner" : ""}`;
      const tile = cell.clip ? Stir.tile({ ...cell.clip, title: cell.title }, () => table.toggle(cell.id)) : h("button", { type: "button", class: "clip-tile empty", onclick: () => table.toggle(cell.id) }, Stir.icon(cell.state === "waiting" || cell.state === "running" ? "wait" : "alert"));
      tile.setAttribute("aria-label", label);
      tile.setAttribute("aria-pressed", String(on));
      return h("li", { style: inGrid && cell.row >= 0 ? { "grid-column": cell.column + 1, "grid-row": cell.row + 2 } : {} }, tile, h("span", { title: cell.title }, cell.title));
    }

    // What happens to them -------------------------------------------------------------------------------------------
    async function change(call, value) {
      const answer = await Stir.ask(call, value);
      if (one?.id !== value.id) return null;
      if (answer) show(answer);
      return answer;
    }
    async function retry(cell, press) {
      if (await Stir.buy(server.retry_cell, { id: one.id, cell: cell.id, press })) refresh();
    }
    async function pick(id) {
      if (!(await change(server.pick_cell, { id: one.id, cell: id === one.winner ? "" : id }))) return;
      const won = one.cells.find((cell) => cell.id === one.winner);
      Stir.say(won ? `${won.title} is the winner.` : "No winner.");
    }
    async function putAway() {
      const call = one.trashed ? server.restore_comparison : server.trash_comparison;
      const { id } = one;
      if ((await Stir.ask(call, { id })) && one?.id === id) close();
    }
    const queued = Stir.once(async (press, call, id) => {
      const answer = await Stir.buy(call, { id, press });
      if (!answer) return;
      Stir.goto("Create");
      Stir.emit("attach", answer.job);
    });
    function paintPrize() {
      const won = one.cells.find((cell) => cell.id === one.winner);
      prize.hidden = !won?.clip;
      if (prize.hidden) return;
      const { clip } = won;
      const others = one.cells.filter((cell) => cell.clip && cell.id !== won.id && cell.clip.id !== clip.id).length;
      Stir.redraw(prize, () => prize.replaceChildren(...[
        h("p", {}, h("strong", {}, won.title), " is the winner: five stars."), h("span", { class: "grow" }),
        clip.draft && Stir.button("Render it for real", { class: "solid", onclick: () => queued(server.render_clip, clip.id) }),
        Stir.button("Vary it", { class: clip.draft ? "ghost" : "solid", title: "The same settings with another random start", onclick: () => queued(server.vary_clip, clip.id) }, "dice"),
        Stir.button("Use its settings", { class: "ghost", onclick: () => Stir.useClip(server, clip.id, "all") }, "sliders"),
        elsewhere,
        others > 0 && Stir.button(`${others === 1 ? "The other" : `The other ${others}`} to the trash`, { class: "ghost", id: "trash-losers", onclick: () => trashLosers() }, "bin"),
        one.losers > 0 && Stir.button(`Bring back ${many(one.losers, "clip")}`, { class: "ghost", id: "restore-losers", onclick: () => bringBack(one.id) }, "retry"),
      ].filter(Boolean)));
    }
    async function trashLosers() {
      const { id } = one;
      const count = await Stir.ask(server.trash_losers, { id });
      if (!count) return;
      put = id;
      gone.textContent = `${many(count, "clip")} moved to the trash`;
      toast.hidePopover();
      toast.showPopover();
      wait();
      refresh();
    }
    function wait() {
      clearTimeout(timer);
      timer = setTimeout(() => (toast.matches(":hover, :focus-within") ? wait() : toast.hidePopover()), PATIENCE);
    }
    async function bringBack(id) {
      toast.hidePopover();
      const count = await Stir.ask(server.restore_losers, { id });
      if (count === null) return;
      Stir.say(`${many(count, "clip")} brought back.`);
      refresh();
    }

    // What others do -------------------------------------------------------------------------------------------------
    let asked = false;
    let changed = false; // since it was asked
    const refresh = Stir.later(async () => {
      if (!one) return;
      if (asked) return void (changed = true);
      asked = true;
      const id = one.id;
      const answer = await Stir.ask(server.show_comparison, { id });
      asked = false;
      if (changed) (changed = false), refresh();
      if (answer && one?.id === id) show(answer);
    }, 120);
    const findLater = Stir.later(() => find(), 300);
    Stir.on("board", () => {
      if (!root.offsetParent) return;
      if (one) refresh();
      else findLater();
    });
    Stir.on("comparison-words", (words) => {
      search.value = words;
      one ? close() : find();
    });
    Stir.on("comparison", (id) => id && one?.id !== id && open(id));

    // What is out of sight lets go of its films -----------------------------------------------------------------------
    let out = false;
    new IntersectionObserver(() => {
      const here = Boolean(root.offsetParent);
      if (here === !out) return;
      out = !here;
      if (!one) return void (here && find());
      if (here) remember(one.id), open(one.id), table.look();
      else clock.playing && clock.pause(), table.close(), remember("");
    }).observe(root);
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && clock.playing && clock.pause());

    addEventListener("keydown", (event) => {
      if (!one || !view.offsetParent || document.querySelector("dialog[open]") || event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey) return;
      const { target } = event;
      if (target.closest?.("textarea, select, [contenteditable], input:not([type=range], [type=checkbox])")) return;
      if (event.key === " " && target.closest?.("button, summary, a, input:not([type=range])")) return;
      const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (event.altKey && !(arrow && table.zoom > 1)) return;
      const does = event.altKey ? () => table.moveLoupe(arrow[0] * 0.2, arrow[1] * 0.2)
        : arrow && arrow[1] === 0 && !(target.closest?.("input") && !target.matches(".transport-scrub")) ? () => (event.shiftKey ? clock.seek(clock.at + arrow[0] * JUMP) : clock.step(arrow[0]))
        : /^[1-6]$/.test(event.key) && table.at(Number(event.key)) && !event.repeat ? () => chooseWinner(table.at(Number(event.key)))
        : { " ": () => clock.toggle(), w: () => table.setMode("wipe"), d: () => table.setMode("difference"), o: () => table.setMode("onion"), z: () => table.setZoom(), Escape: escape }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!does) return;
      event.preventDefault();
      does();
    });
    const chooseWinner = (cell) => cell.state === "done" && cell.clip && cell.id !== one.winner && pick(cell.id);
    function escape() {
      if (transport.keys.open) transport.keys.open = false;
      else if (table.zoom > 1) table.setZoom(1);
      else if (table.mode !== "grid") table.setMode(table.mode);
    }
    if (!Stir.now("comparison")) find();
  };

  /* A reload while one looks at a comparison comes back to it. */
  let first = true;
  Stir.on("board", () => {
    if (!first) return;
    first = false;
    try {
      const id = sessionStorage.getItem(OPEN);
      if (id) Stir.compare(id);
    } catch {
      /* a private window may refuse */
    }
  });
})();
