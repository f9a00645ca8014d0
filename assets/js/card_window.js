/* Ten thousand cards as one long list, of which only those near what is looked at are on the page: the rows before and behind them are
   as high as they will be. What is looked at stays where it is, whatever comes or goes before it, and is found again. */
(() => {
  const { h } = Stir;
  const FIRST = 60; // clips that are asked for before it is known how many the screen shows
  const MOST = 1000; // in one answer
  const AHEAD = 1.5; // screens that are loaded above what is seen, and below
  const LOOKED_AT = 24; // cards by which the place is found again, should the first of them be gone

  /* `find({offset, limit})` answers with {clips, count}, `seek(ids)` with the first of these that is found and where: {id, place}. `make`
     draws a card {node, seen}, `painted(answer, offset)` what stands around the cards, `noted()` follows a scroll. `instead()` has the
     keyboard when no card is left. */
  Stir.cardWindow = ({ find, seek, make, painted, noted, instead }) => {
    const cards = new Map(); // clip id → its card on the page
    let loaded = [];
    let [start, end, total] = [0, 0, 0]; // of what is loaded, and of all
    let lead = 0; // places left free before the first clip, so that those in sight keep their columns when others come before them
    let place = {}; // the cards that are looked at, first to last, and how high on the screen each stands: {ids, tops}
    let held = null; // the card that the keyboard was on when it went out of sight: {id, marking}
    let away = true; // behind another tab of the page, or not yet gone back to where one was
    let turn = 0;
    let asking = false;
    let laid = "";

    const grid = h("ul", { class: "cards", "aria-label": "Clips" });
    const [above, below] = [0, 1].map(() => h("div", { class: "rows-away", "aria-hidden": "true" }));
    const node = h("div", { class: "card-window" }, above, grid, below);

    // Rows -------------------------------------------------------------------------------------------------------------
    const isHere = () => !away && Boolean(grid.offsetParent);
    const countColumns = () => (isHere() ? getComputedStyle(grid).gridTemplateColumns.split(" ").length : 1);
    const remainder = (whole, by) => ((whole % by) + by) % by;
    /* Pixels from one row to the next; 0 while there is no card to measure. All cards are equally high. */
    const measureRow = () => (grid.firstElementChild ? grid.firstElementChild.getBoundingClientRect().height + parseFloat(getComputedStyle(grid).rowGap) : 0);
    /* Which clips are within so many screens of what is seen. */
    function reckon(screens) {
      const [wide, high] = [countColumns(), measureRow()];
      if (!high) return { offset: 0, limit: FIRST };
      const first = Math.max(0, Math.floor(-node.getBoundingClientRect().top / high));
      const rows = Math.ceil(innerHeight / high);
      const more = Math.ceil(screens * rows);
      const offset = Math.max(0, Math.max(0, first - more) * wide - lead);
      return { offset, limit: Math.min(MOST, (first + rows + more) * wide - lead - offset) };
    }
    function reckonAhead() {
      const span = reckon(AHEAD);
      return { ...span, limit: Math.max(FIRST, span.limit) };
    }
    function lay() {
      const [wide, high] = [countColumns(), measureRow()];
      const before = Math.floor((start + lead) / wide);
      for (const one of grid.children) one.style.gridColumnStart = one === grid.firstElementChild ? String(remainder(start + lead, wide) + 1) : "";
      above.style.height = before * high + "px";
      below.style.height = Math.max(0, Math.ceil((total + lead) / wide) - Math.ceil((start + loaded.length + lead) / wide)) * high + "px";
      const face = grid.querySelector(".card-face");
      if (face) for (const [name, size] of [["--row", high], ["--face", face.offsetHeight], ["--wide", face.getBoundingClientRect().width]]) node.style.setProperty(name, size + "px");
      laid = `${wide} ${high}`;
    }

    // The place --------------------------------------------------------------------------------------------------------
    /* The cards that are looked at; none while the first row is in sight: what comes then is seen to come. */
    function look() {
      if (!isHere() || window.scrollY <= 8) return {};
      const seen = [...grid.children].map((one) => [one.dataset.card, one.getBoundingClientRect()]).filter(([, box]) => box.bottom > 0).slice(0, LOOKED_AT);
      if (!seen.length || loaded.findIndex((one) => one.id === seen[0][0]) + start + lead < countColumns()) return {};
      return { ids: seen.map(([id]) => id), tops: seen.map(([, box]) => Math.round(box.top * 64) / 64) };
    }
    function note() {
      place = look();
      noted();
    }
    function back(to) {
      const at = (to.ids ?? []).findIndex((id) => cards.has(id));
      if (at < 0) return;
      const off = cards.get(to.ids[at]).node.getBoundingClientRect().top - to.tops[at];
      if (Math.abs(off) > 0.02) window.scrollBy({ top: off, behavior: "instant" });
    }

    // What is loaded ---------------------------------------------------------------------------------------------------
    /* Ask anew. The cards that are looked at keep their places; with `to` those of that place are gone to, with {} the first ones. */
    async function load(to) {
      if (!isHere()) return; // it is asked for when it is shown
      const mine = ++turn;
      const ids = (to ?? look()).ids;
      let { offset, limit } = to && !ids ? { offset: 0, limit: FIRST } : reckonAhead();
      if (ids) {
        const found = await seek(ids);
        if (!found || mine !== turn) return;
        const at = loaded.findIndex((one) => one.id === found.id);
        if (found.id && at >= 0 && !to) [offset, limit] = [Math.max(0, found.place - at), Math.min(MOST, Math.max(FIRST, end - start))];
        else if (found.id) offset = Math.max(0, countColumns() * Math.floor((found.place - FIRST / 2) / countColumns()));
      }
      const answer = await find({ offset, limit });
      if (answer && mine === turn) show(answer, { offset, limit }, to);
    }
    /* What is missing near what is looked at. One question at a time, about what is seen when the last one is answered; after a jump
       about the screen alone first. */
    async function reach() {
      if (asking || !isHere() || !total) return;
      const [screen, near] = [reckon(0), reckon(AHEAD / 2)];
      if (start <= near.offset && end >= Math.min(total, near.offset + near.limit)) return;
      const jumped = screen.offset >= end || screen.offset + screen.limit <= start;
      const [mine, span] = [turn, jumped ? screen : reckonAhead()];
      asking = true;
      const answer = await find(span);
      asking = false;
      if (answer && mine === turn) show(answer, span);
      else if (answer) reach();
    }
    function show(answer, { offset, limit }, to) {
      if (!isHere()) return; // left meanwhile: the place is kept, and it is asked again when it is shown
      const at = to ?? look();
      const clips = answer.clips;
      const anchor = (at.ids ?? []).find((id) => clips.some((one) => one.id === id));
      const [was, is] = [loaded, clips].map((some) => some.findIndex((one) => one.id === anchor));
      if (to || !(at.ids || offset)) lead = 0;
      else if (anchor && was >= 0) lead = remainder(start + lead + was - offset - is, countColumns());
      const old = [loaded, start];
      [loaded, start, end, total] = [clips, offset, offset + limit, answer.count];
      arrange(...old);
      lay();
      painted(answer, offset);
      back(at);
      note();
      requestAnimationFrame(reach);
    }
    /* The cards as they are loaded now: those that stay stay the same ones, so that what plays or has the keyboard goes on. */
    function arrange(before, from) {
      const focus = grid.contains(document.activeElement) ? document.activeElement : null;
      const at = focus ? before.findIndex((one) => one.id === focus.closest(".card").dataset.card) : -1;
      const marking = Boolean(focus?.matches("input"));
      const wanted = new Set(loaded.map((one) => one.id));
      for (const [id, card] of cards) if (!wanted.has(id)) card.node.remove(), cards.delete(id);
      loaded.forEach((one, index) => {
        let card = cards.get(one.id);
        if (!card || card.seen !== JSON.stringify(one)) {
          const fresh = make(one);
          card?.node.replaceWith(fresh.node);
          cards.set(one.id, (card = fresh));
        }
        if (grid.children[index] !== card.node) grid.insertBefore(card.node, grid.children[index] ?? null);
        card.node.setAttribute("aria-posinset", String(start + index + 1));
        card.node.setAttribute("aria-setsize", String(total));
      });
      if (focus) keepKeyboard(focus, before[at], from + at, marking);
      else if (held && cards.has(held.id) && document.activeElement === document.body) focusOn(held.id, held.marking), (held = null);
    }
    /* On the same card, drawn anew or not; on the next one where it is gone. A card that is out of sight has it again when it comes back. */
    function keepKeyboard(focus, card, index, marking) {
      if (focus.isConnected && focus === document.activeElement) return;
      if (card && cards.has(card.id)) return focusOn(card.id, marking);
      if (card && (index < start || index >= end)) return void (held = { id: card.id, marking });
      focusOn((loaded[index - start] ?? loaded.at(-1))?.id, marking);
    }
    const focusOn = (id, marking) => (cards.get(id)?.node.querySelector(marking ? "input" : "button") ?? instead()).focus({ preventScroll: true });

    let drawing = 0;
    addEventListener("scroll", () => (drawing ||= requestAnimationFrame(() => ((drawing = 0), reach()))), { passive: true });
    addEventListener("scroll", Stir.later(() => isHere() && (note(), lead && !place.ids && load()), 120), { passive: true });
    addEventListener("pointerdown", () => (held = null), { passive: true });
    new ResizeObserver(() => {
      if (!isHere() || laid === `${countColumns()} ${measureRow()}`) return;
      lay();
      back(place);
      reach();
    }).observe(grid);

    return {
      node,
      load,
      /* To where one was, from another tab of the page or after it was loaded again: at once where those cards are here. */
      restore(to = place) {
        [place, away] = [to, false];
        if (loaded.length) back(to), load();
        else load(to.ids ? to : undefined);
      },
      place: () => place,
      leave: () => (away = true),
      loaded: () => loaded,
      each: (run) => cards.forEach(run),
    };
  };
})();
