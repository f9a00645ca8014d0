/* The photos of a batch as a table of which only what is in sight is drawn: hundreds scroll as ten do. */
(() => {
  const { h, icon, file } = Stir;
  const AHEAD = 8; // rows drawn beyond the edges of the window
  const STEP = 10; // a window of rows begins at one of these
  const REST = 250; // a pointer on its way elsewhere asks for no preview
  const WORDS = { unread: "To be looked at", ready: "Ready", aside: "Set aside", refused: "Can’t be used", waiting: "Waiting", paused: "Paused", running: "Running", done: "Done", failed: "Failed", cancelled: "Stopped", interrupted: "Interrupted", gone: "Its clip was deleted" };
  const ENDED = ["failed", "cancelled", "interrupted", "gone"];
  const tool = (label, picture, run) => h("button", { type: "button", class: "ghost tiny", "aria-label": label, title: label, onclick: run }, icon(picture, 14));

  /* `room`: {play(row), edit(row), mend(ids), take(ids), retry(ids), remove(ids), move(row, before), marked (a Set), remark()}. `look(offset)` is
     asked for another window. */
  Stir.batchRows = ({ room, look }) => {
    const node = h("ol", { class: "batch-rows", "aria-label": "Photos of the batch" });
    const cards = new Map(); // row id → card
    let told = null; // the newest answer
    let dragged = "";
    let over = ""; // the row whose preview plays

    const height = () => parseFloat(getComputedStyle(node).getPropertyValue("--row")) || 88;
    /* The first row of the window that is in sight, on a step. */
    function wanted() {
      const top = Math.max(0, -node.getBoundingClientRect().top);
      return Math.max(0, Math.floor((top / height() - AHEAD) / STEP) * STEP);
    }
    const moved = () => told && node.offsetParent && wanted() !== told.offset && look(wanted());
    addEventListener("scroll", Stir.later(moved, 60), { passive: true });
    addEventListener("resize", Stir.later(() => told && node.offsetParent && look(wanted()), 120));

    function make(row) {
      const mark = h("input", { type: "checkbox", onchange: () => (mark.checked ? room.marked.add(row.id) : room.marked.delete(row.id), room.remark()) });
      const film = h("span", { class: "row-film" });
      const face = h("button", { type: "button", class: "row-face", onclick: () => play(row.id, true) }, film);
      const title = h("strong");
      const motion = h("span", { class: "row-motion" });
      const places = h("span", { class: "row-places" });
      const words = h("span", { class: "row-words" });
      const bar = h("i", { class: "thin-bar" }, h("i"));
      const acts = h("span", { class: "row-acts" });
      const number = h("span", { class: "row-number", "aria-hidden": "true" });
      const tools = {
        edit: tool("", "sliders", () => room.edit(now().row)), up: tool("", "chevron", () => shift(row.id, -1)), down: tool("", "chevron", () => shift(row.id, 1)),
        away: tool("", "close", () => room.remove([row.id])),
      };
      const one = h("li", { class: "batch-row", "data-row": row.id, tabindex: "-1" }, h("label", { class: "row-mark" }, mark, icon("check", 12)), number, face, h("span", { class: "row-text" }, title, motion), places, h("span", { class: "row-state" }, words, bar, acts), h("span", { class: "row-tools" }, tools.edit, tools.up, tools.down, tools.away));
      const now = () => cards.get(row.id);
      face.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && ((over = row.id), soon(row.id)));
      face.addEventListener("pointerleave", () => rest(row.id));
      face.addEventListener("focus", () => face.matches(":focus-visible") && ((over = row.id), soon(row.id)));
      face.addEventListener("blur", () => rest(row.id));
      one.addEventListener("keydown", (event) => {
        const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (by && event.altKey) event.preventDefault(), shift(row.id, by);
      });
      one.addEventListener("dragstart", (event) => {
        dragged = row.id;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", row.name);
        one.classList.add("dragged");
      });
      one.addEventListener("dragend", () => ((dragged = ""), one.classList.remove("dragged"), node.querySelectorAll(".over").forEach((each) => each.classList.remove("over"))));
      one.addEventListener("dragover", (event) => dragged && dragged !== row.id && (event.preventDefault(), one.classList.add("over")));
      one.addEventListener("dragleave", () => one.classList.remove("over"));
      one.addEventListener("drop", (event) => dragged && dragged !== row.id && (event.preventDefault(), event.stopPropagation(), room.move(dragged, row.id)));
      return { node: one, mark, film, face, title, motion, places, words, bar, acts, number, tools, row: null, shown: "" };
    }
    function shift(id, by) {
      const ids = told.rows.map((row) => row.id);
      const at = ids.indexOf(id) + by;
      if (at < 0 || (by > 0 && at >= ids.length)) return;
      room.move(id, by < 0 ? ids[at] : ids[at + 1] ?? null);
      Stir.say(by < 0 ? "Moved earlier." : "Moved later.");
    }

    // The move in small --------------------------------------------------------------------------------------------------
    const soon = Stir.later((id) => over === id && !Stir.calm() && play(id), REST);
    async function play(id, pressed = false) {
      const card = cards.get(id);
      if (!card || card.film.querySelector("video")) return pressed && card?.row.clip && room.show(card.row.clip.id);
      over = id;
      card.node.classList.add("waits");
      const path = card.row.clip?.file ?? (await room.play(card.row));
      card.node.classList.remove("waits");
      if (!path || over !== id || !cards.has(id)) return;
      const moving = /\.(gif|webp)$/.test(path);
      const live = moving ? h("img", { src: file(path), alt: "", class: "live" }) : h("video", { src: file(path), muted: true, loop: true, playsinline: true, class: "live", tabindex: "-1", "aria-hidden": "true" });
      card.film.append(live);
      live.play?.().catch(() => {});
    }
    function rest(id) {
      if (over === id) over = "";
      cards.get(id)?.film.querySelectorAll(".live").forEach((one) => one.remove());
    }

    // One row --------------------------------------------------------------------------------------------------------------
    function paintRow(card, row, ordered) {
      const mark = JSON.stringify(row) + ordered + room.busy;
      card.mark.checked = room.marked.has(row.id);
      card.node.classList.toggle("marked", card.mark.checked);
      if (card.shown === mark) return;
      if (card.row && card.row.motion !== row.motion) rest(row.id);
      card.shown = mark;
      card.row = row;
      const { node: one, title, motion, words, bar, tools } = card;
      one.dataset.state = row.state;
      one.draggable = ordered;
      card.number.textContent = row.at + 1;
      card.mark.setAttribute("aria-label", `Mark ${row.name}`);
      title.textContent = row.name;
      title.title = row.name;
      motion.textContent = [row.preset || row.motion, row.motion && `${Number(row.seconds.toFixed(1))} s`, row.mends.length && `mended: ${row.mends.join(", ")}`].filter(Boolean).join(" · ");
      motion.title = row.sentence;
      paintFace(card, row);
      card.places.replaceChildren(...row.clips.slice(0, 4).map((clip) => h("span", { class: "row-place", "data-state": clip.state, title: clip.reason || (clip.places.join(", ") || clip.aspect) }, shape(clip.shape), clip.places.slice(0, 2).join(", ") || (clip.aspect === "photo" ? "As the photo" : clip.aspect), clip.places.length > 2 ? ` +${clip.places.length - 2}` : "")), row.clips.length > 4 ? h("span", { class: "count" }, `+${row.clips.length - 4}`) : "");
      const running = row.state === "running";
      const finding = row.state === "aside" ? row.findings[0] : "";
      words.textContent = running ? row.progress?.line || row.progress?.words || WORDS.running : [WORDS[row.state], finding || row.reason].filter(Boolean).join(": ");
      words.title = [finding || row.reason, ...(row.state === "aside" ? row.findings.slice(1) : []), row.remedy].filter(Boolean).join(" ");
      bar.hidden = !running;
      bar.firstChild.style.width = row.part * 100 + "%";
      paintActs(card, row);
      tools.edit.hidden = row.state === "unread" || row.state === "refused";
      for (const [name, words_] of [["edit", "Change "], ["up", "Earlier: "], ["down", "Later: "], ["away", "Remove "]]) tools[name].setAttribute("aria-label", words_ + row.name), (tools[name].title = words_ + row.name);
      tools.up.hidden = tools.down.hidden = !ordered;
    }
    function paintFace(card, row) {
      const crop = row.clips[0]?.crop ?? [0, 0, 1, 1];
      const look = row.clip?.thumb || row.thumb;
      card.face.setAttribute("aria-label", row.clip ? `Play the clip of ${row.name}` : `Play the move on ${row.name}`);
      card.face.disabled = !row.clips.length;
      const mark = [look, crop, row.state === "refused"].join();
      if (card.film.dataset.look === mark) return;
      card.film.dataset.look = mark;
      card.film.querySelectorAll(".still").forEach((one) => one.remove());
      if (!look) return card.film.append(h("span", { class: "still none" }, icon(row.state === "refused" ? "alert" : "photo", 20)));
      if (row.clip) return card.film.append(h("img", { class: "still whole", src: file(look), alt: "", draggable: "false" }));
      const shape_ = row.clips[0]?.shape ?? row.ratio;
      const view = Stir.cropView(look, { class: "still" });
      view.crop({ x: crop[0], y: crop[1], w: crop[2], h: crop[3] }, shape_);
      view.classList.toggle("tall", shape_ < 1.5);
      card.film.append(view);
    }
    function paintActs(card, row) {
      const acts = [];
      if (row.state === "aside") {
        if (row.remedies.length) acts.push(Stir.button("Mend", { class: "ghost tiny-text act", title: row.remedies.join(" · "), onclick: () => room.mend([row.id]) }));
        acts.push(Stir.button("Take as it is", { class: "ghost tiny-text act", onclick: () => room.take([row.id]) }));
      } else if (row.state === "refused") {
        if (row.offer === "open_damaged") acts.push(Stir.button("Open what is there", { class: "ghost tiny-text act", onclick: () => room.mend([row.id]) }));
        acts.push(Stir.button("Try again", { class: "ghost tiny-text act", onclick: () => room.retry([row.id]) }));
      } else if (ENDED.includes(row.state)) acts.push(Stir.button("Retry", { class: "ghost tiny-text act", onclick: () => room.retry([row.id]) }));
      Stir.redraw(card.acts, () => card.acts.replaceChildren(...acts));
      card.acts.hidden = !acts.length;
    }
    const shape = (ratio) => h("i", { class: "shape", style: { "--shape": ratio }, "aria-hidden": "true" });

    return {
      node, wanted,
      /* `answer` of the studio; `ordered`: the rows may be put into another order. */
      paint(answer, ordered) {
        told = answer;
        const tall = height();
        node.style.height = answer.shown * tall + "px";
        const shown = new Set(answer.rows.map((row) => row.id));
        const held = node.contains(document.activeElement) ? document.activeElement : null;
        for (const [id, card] of cards) if (!shown.has(id) && !card.node.contains(document.activeElement)) card.node.remove(), cards.delete(id);
        answer.rows.forEach((row, at) => {
          if (!cards.has(row.id)) cards.set(row.id, make(row));
          const card = cards.get(row.id);
          paintRow(card, row, ordered);
          card.node.style.transform = `translateY(${(answer.offset + at) * tall}px)`;
          card.node.setAttribute("aria-setsize", answer.shown);
          card.node.setAttribute("aria-posinset", answer.offset + at + 1);
          if (node.children[at] !== card.node) node.insertBefore(card.node, node.children[at] ?? null);
        });
        if (held?.isConnected && document.activeElement !== held) held.focus({ preventScroll: true }); // a row that moved lost it
      },
      repaint: () => told && told.rows.forEach((row) => cards.get(row.id) && ((cards.get(row.id).mark.checked = room.marked.has(row.id)), cards.get(row.id).node.classList.toggle("marked", room.marked.has(row.id)))),
      clear: () => (cards.forEach((card) => card.node.remove()), cards.clear(), (told = null)),
    };
  };
})();
