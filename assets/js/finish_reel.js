/* Several clips into one: their order, by hand or by keys, how one follows the other, and the shape they share. And the sheet that
   chooses other clips for the same finish. */
(() => {
  const { h, icon, file } = Stir;
  const HOW = [["dissolve", "Dissolve"], ["cut", "Cut"], ["beat", "On the beat"]];
  const WHY = {
    dissolve: "Each clip dissolves into the next.",
    cut: "Each clip follows the one before it at once.",
    beat: "Cut where the music's beats are; add music under Sound.",
  };
  const SHAPES = [["photo", "The first's"], ["9:16", "9:16"], ["4:5", "4:5"], ["1:1", "1:1"], ["16:9", "16:9"]];

  Stir.finishReel = (room) => {
    const order = h("ol", { class: "reel-order", "aria-label": "The clips in their order" });
    const how = Stir.segments("How one follows the other", HOW, (value) => join({ how: value }, "the cuts"));
    const why = h("p", { class: "why" });
    const blend = Stir.finishSlider("Over", { min: 0, max: 3, step: 0.1, id: "join-seconds" }, (value) => value.toFixed(1) + " s", (value) => join({ seconds: value }, "the dissolve's length"));
    const shape = Stir.segments("Shape", SHAPES, (value) => join({ aspect: value }, "the shape"));
    const node = h("div", { class: "finish-tool" }, h("section", {}, h("h3", {}, "Order"), h("p", { class: "why" }, "Drag a clip, or hold Alt and press an arrow key."), order), h("section", {}, h("h3", {}, "Cuts"), how.node, why, blend.node), h("section", {}, h("h3", {}, "Shape"), shape.node));

    const join = (change, words) => room.set({ join: { ...room.finish.join, ...change } }, words);
    const card = (id) => room.clips.find((one) => one.id === id);
    const put = (clips) => room.set({ clips }, "the order");
    function shift(id, by) {
      const all = [...room.finish.clips];
      const at = all.indexOf(id);
      const to = Stir.clamp(at + by, 0, all.length - 1);
      all.splice(to, 0, ...all.splice(at, 1));
      put(all);
      order.children[to]?.focus({ preventScroll: false });
      Stir.say(`${card(id).title} is now number ${to + 1}.`);
    }
    function row(id, index) {
      const one = card(id);
      const away = room.finish.clips.length > 2 ? h("button", { type: "button", class: "ghost tiny", "aria-label": `Leave out: ${one.title}`, onclick: () => put(room.finish.clips.filter((other) => other !== id)) }, icon("close", 12)) : null;
      const node = h("li", { class: "reel-clip", tabindex: "0", "data-clip": id, "aria-label": `${index + 1}, ${one.title}, ${one.seconds.toFixed(1)} s` }, h("span", { class: "reel-number" }, index + 1), h("img", { src: file(one.thumb), alt: "", draggable: "false" }), h("span", { class: "reel-words" }, h("strong", {}, one.title), h("span", {}, `${one.motion} · ${Number(one.seconds.toFixed(1))} s`)), away);
      node.addEventListener("keydown", (event) => {
        const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!by || event.target !== node) return;
        event.preventDefault();
        if (event.altKey) shift(id, by);
        else order.children[Stir.clamp(index + by, 0, order.childElementCount - 1)].focus();
      });
      /* Anywhere with a mouse, by its picture with a finger, so that the list can be scrolled. */
      node.addEventListener("pointerdown", (event) => {
        if (event.target.closest("button") || event.button || (event.pointerType === "touch" && !event.target.closest("img"))) return;
        event.preventDefault();
        node.focus({ preventScroll: true });
        node.setPointerCapture(event.pointerId);
        node.classList.add("dragged");
        const drag = ({ clientY }) => {
          const others = [...order.children].filter((other) => other !== node);
          const below = others.find((other) => clientY < other.getBoundingClientRect().top + other.offsetHeight / 2) ?? null;
          if (node.nextElementSibling !== below) order.insertBefore(node, below);
        };
        const drop = () => {
          node.removeEventListener("pointermove", drag);
          node.classList.remove("dragged");
          put([...order.children].map((other) => other.dataset.clip));
        };
        node.addEventListener("pointermove", drag);
        node.addEventListener("pointerup", drop, { once: true });
        node.addEventListener("pointercancel", drop, { once: true });
      });
      return node;
    }
    function paint() {
      if (!room.isReel()) return;
      const seen = room.finish.clips.join();
      if (order.dataset.seen !== seen) (order.dataset.seen = seen), order.replaceChildren(...room.finish.clips.map(row));
      how.paint(room.finish.join.how);
      why.textContent = WHY[room.finish.join.how];
      blend.node.hidden = room.finish.join.how !== "dissolve";
      blend.paint(room.finish.join.seconds);
      const first = shape.node.querySelector("button") ?? shape.node;
      const isPlace = room.place && room.place.aspect !== "photo";
      first.textContent = isPlace ? `${room.place.label}: ${room.place.aspect}` : "The first's";
      shape.paint(room.finish.join.aspect);
    }
    return { node, paint };
  };

  /* Clips of the library, to be ticked. `open(ids)` answers with those chosen, null where it was left. */
  Stir.finishPicker = (room) => {
    const grid = h("ul", { class: "picker-grid", "aria-label": "Clips" });
    const search = h("input", { type: "search", placeholder: "Search", "aria-label": "Search the library", maxlength: 200 });
    const every = Stir.button("All of them", { class: "ghost", onclick: () => (found.forEach((one) => chosen.add(one.id)), paint()) });
    const batches = h("div", { class: "chips", role: "group", "aria-label": "Batches" });
    const use = h("button", { type: "button", class: "solid", id: "picker-use", onclick: () => end([...chosen]) }, h("span", {}, ""));
    const none = h("p", { class: "why", hidden: true }, "There is no other clip.");
    const node = h("dialog", { class: "finish-picker", "aria-label": "The same finish on other clips" }, h("div", { class: "row between" }, h("h2", {}, "The same finish on other clips"), h("button", { type: "button", class: "ghost tiny", "aria-label": "Close", onclick: () => end(null) }, icon("close"))), h("div", { class: "row" }, search, every), batches, grid, none, h("div", { class: "row end" }, use));
    let found = [];
    let chosen = new Set();
    let settle = () => {};
    search.addEventListener("input", Stir.later(() => find(), 200));
    node.addEventListener("cancel", (event) => (event.preventDefault(), end(null)));
    function end(ids) {
      node.close();
      settle(ids);
    }
    async function find() {
      const answer = await Stir.ask(room.server.find_targets, { words: search.value, besides: room.clips.map((one) => one.id) });
      if (!answer) return;
      found = answer.clips;
      batches.replaceChildren(...answer.batches.map((one) => h("button", { type: "button", class: "chip", onclick: () => (one.clips.forEach((id) => chosen.add(id)), paint()) }, `${one.name}, ${one.clips.length} clips`)));
      batches.hidden = !answer.batches.length;
      none.hidden = found.length > 0;
      every.hidden = !found.length;
      grid.replaceChildren(...found.map((one) => h("li", {}, h("label", { class: "picker-clip" }, h("input", { type: "checkbox", value: one.id, onchange: (event) => (event.currentTarget.checked ? chosen.add(one.id) : chosen.delete(one.id), paint()) }), h("img", { src: file(one.thumb), alt: "" }), h("span", {}, one.title), h("span", { class: "soft", title: one.motion }, `${Number(one.seconds.toFixed(1))} s · ${one.motion}`)))));
      paint();
    }
    function paint() {
      for (const box of grid.querySelectorAll("input")) box.checked = chosen.has(box.value);
      use.firstChild.textContent = chosen.size ? `Use it on ${chosen.size} clip${chosen.size > 1 ? "s" : ""} more` : "On this clip alone";
    }
    return {
      node,
      async open(ids) {
        chosen = new Set(ids);
        search.value = "";
        await find();
        node.showModal();
        return new Promise((go) => (settle = go));
      },
    };
  };
})();
