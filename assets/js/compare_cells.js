/* A cell of a comparison: what it shows, or why it shows nothing, and under it what tells it from the others. */
(() => {
  const { h, icon } = Stir;
  const WORDS = { waiting: "Waiting its turn", running: "Being made", failed: "Failed", cancelled: "Stopped", interrupted: "Interrupted", refused: "Can't be made here", gone: "Deleted" };
  const AGAIN = { failed: "Retry", cancelled: "Retry", interrupted: "Resume", gone: "Make it again", refused: "Try again" };
  const SOON = 250; // ms until a poster stands in for a film that has no first frame yet: sooner it would only be in its way
  const FIRST = 300; // ms that a film waits for it
  const HEARD = 800; // ms after its first picture when a film knows whether it has sound

  const seconds = (count) => (count < 90 ? `${count.toFixed(1)} s` : `${Math.round(count / 60)} min`);
  /* What is said of a clip in one line; what isn't known is left out. */
  const listFacts = (cell) => {
    const { model, seed, took, loading, memory, bytes, licence } = cell.facts;
    return [cell.psnr && `${cell.psnr >= 99 ? "Every pixel as without it" : `PSNR ${cell.psnr.toFixed(1)} dB to the plain clip`}`, cell.named.includes("Model") ? "" : model, !cell.named.includes("Seed") && seed !== undefined && `seed ${seed}`, took !== null && took !== undefined && `made in ${seconds(took)}${loading >= 1 ? `, loaded in ${seconds(loading)}` : ""}`, memory && `peak ${(memory / 1e9).toFixed(1)} GB`, bytes && Stir.bytes(bytes), licence].filter(Boolean);
  };

  /* What a comparison can be sorted by: [key, words, value of a cell]. */
  Stir.compareSorts = (cells) => {
    const labels = [...new Set(cells.flatMap((cell) => cell.differs.map(([label]) => label)))];
    const facts = [["score", "Score"], ["model", "Model"], ["seed", "Seed"], ["took", "Time taken"], ["memory", "Peak memory"], ["bytes", "File size"], ["licence", "Licence"]];
    const known = facts.filter(([key]) => new Set(cells.map((cell) => cell.facts[key]).filter((value) => value !== null && value !== undefined && value !== "")).size > 1);
    return [
      ...known.map(([key, words]) => [key, words, (cell) => cell.facts[key]]),
      ...labels.filter((label) => label !== "Model" && label !== "Seed").map((label) => ["differs " + label, label, (cell) => cell.differs.find(([name]) => name === label)?.[1]]),
    ];
  };
  /* Least first, of scores the best; what isn't known comes last. */
  Stir.sortCells = (cells, key) => {
    const [, , value] = Stir.compareSorts(cells).find(([name]) => name === key) ?? [];
    if (!value) return cells;
    const blank = (one) => one === null || one === undefined || one === "";
    const order = (one, other) => (key === "score" ? other - one : typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), undefined, { numeric: true }));
    return [...cells].sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      return blank(a) || blank(b) ? blank(a) - blank(b) : order(a, b);
    });
  };

  /* `room` has {server, photo(), pick(cell), retry(cell, press), hear(cell)}. */
  Stir.compareCell = (first, room) => {
    let cell = first;
    let shown = ""; // the clip that the player is of
    let player = null;
    let lost = false; // whether what is to be shown can't be
    const number = h("span", { class: "cell-number", "aria-hidden": "true" });
    const poster = h("img", { class: "cell-poster", alt: "", draggable: "false" });
    const film = h("div", { class: "cell-stage" });
    const state = h("div", { class: "cell-state" });
    const bar = h("i", { class: "cell-bar", "aria-hidden": "true", hidden: true }, h("i"));
    const face = h("div", { class: "cell-face" }, poster, film, state, bar, number);
    const title = h("strong", {});
    const score = h("span", { class: "cell-score" });
    const sound = h("button", { type: "button", class: "ghost tiny cell-sound", hidden: true, onclick: () => room.hear(cell) });
    const pick = Stir.button("Pick", { class: "ghost tiny-text cell-pick", onclick: () => room.pick(cell) }, "star");
    const differs = h("dl", { class: "cell-differs" });
    const facts = h("p", { class: "cell-facts" });
    const why = h("span", {});
    const note = h("p", { class: "cell-why" });
    const words = h("div", { class: "cell-words" }, h("div", { class: "cell-title" }, title, sound, pick), differs, facts, h("p", { class: "cell-why" }, score, why), note);
    const node = h("li", { class: "cell", "data-cell": cell.id }, face, words);
    const again = Stir.once((press) => room.retry(cell, press));

    function paintState() {
      const { progress } = cell;
      const working = cell.state === "waiting" || cell.state === "running";
      const picture = Stir.picture(progress?.preview);
      const broken = lost && cell.state === "done" && !cell.trashed;
      const line = cell.state === "running" ? (progress?.line ?? WORDS.running) : WORDS[cell.state];
      bar.hidden = cell.state !== "running";
      bar.firstChild.style.width = (progress?.total ? progress.done / progress.total : 0) * 100 + "%";
      state.hidden = cell.state === "done" || cell.state === "photo" ? !cell.trashed : Boolean(cell.clip);
      node.dataset.state = cell.state;
      if (broken) state.hidden = false;
      if (state.hidden) return;
      const mark = JSON.stringify([cell.state, line, picture, cell.reason, cell.remedy, cell.trashed, broken]);
      if (state.dataset.mark === mark) return;
      state.dataset.mark = mark;
      const said = cell.trashed ? [h("p", {}, "In the trash.")] : broken ? [icon("alert"), h("p", {}, h("strong", {}, "This clip can't be shown."), " Its file is missing, or this browser can't play it.")] : working
        ? [picture && h("img", { class: "cell-live", src: picture, alt: "Live preview of what is being made" }), h("p", { class: "cell-line" }, line)]
        : [icon("alert"), h("p", {}, h("strong", {}, cell.reason || WORDS[cell.state] + "."), " " + (cell.remedy || "")), AGAIN[cell.state] && Stir.button(AGAIN[cell.state], { class: "solid cell-retry", "aria-label": `${AGAIN[cell.state]}: ${cell.title}`, onclick: again }, "retry")];
      Stir.redraw(state, () => state.replaceChildren(...said.filter(Boolean)));
    }
    function paint(next, at, winner) {
      cell = next;
      const can = cell.state === "done" && cell.clip && !cell.draft;
      number.textContent = at ? String(at) : "";
      number.hidden = !at;
      title.textContent = title.title = cell.title;
      const { score: total, broken } = cell.facts;
      score.hidden = total === null || total === undefined;
      score.textContent = broken ? "Broken" : score.hidden ? "" : `Score ${Math.round(total * 100)}`;
      score.classList.toggle("broken", Boolean(broken));
      pick.hidden = !can;
      pick.lastChild.textContent = winner ? "Winner" : "Pick";
      pick.classList.toggle("lit", Boolean(winner));
      pick.setAttribute("aria-pressed", String(Boolean(winner)));
      pick.setAttribute("aria-label", winner ? `${cell.title} is the winner` : `Pick ${cell.title} as the winner`);
      if (at && at < 7) pick.setAttribute("aria-keyshortcuts", String(at));
      else pick.removeAttribute("aria-keyshortcuts");
      node.classList.toggle("won", Boolean(winner));
      const further = cell.differs.filter(([label]) => !(cell.named.includes(label) || label === "Seed"));
      differs.replaceChildren(...further.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", { title: value }, value))));
      differs.hidden = !further.length;
      facts.textContent = [cell.baseline && "Baseline", cell.draft && "a draft", ...listFacts(cell)].filter(Boolean).join(" · ");
      why.textContent = cell.facts.why ? (score.hidden ? "" : " · ") + cell.facts.why : "";
      note.textContent = player?.note ?? "";
      const first = cell.clip?.first;
      const picture = first || cell.clip?.thumb ? Stir.file(first || cell.clip.thumb) : "";
      if (poster.dataset.src !== picture) {
        poster.dataset.src = picture;
        poster.removeAttribute("src");
        if (first) poster.src = picture;
        else setTimeout(() => picture && poster.dataset.src === picture && !face.classList.contains("open") && (poster.src = picture), SOON);
      }
      poster.hidden = !picture;
      film.hidden = !cell.clip && cell.state !== "photo";
      paintState();
    }
    /* Its first frame as a picture, which is there sooner than its film, and shouldn't wait for that. */
    const still = () => !poster.hidden && cell.clip.first && Promise.race([poster.decode().catch(() => {}), new Promise((go) => setTimeout(go, FIRST))]);
    /* Open its player, if it has anything to show and none is open; answers it. */
    function open() {
      const wanted = cell.state === "photo" ? "photo" : (cell.clip?.id ?? "");
      if (player && wanted === shown) return player;
      release();
      const photo = room.photo();
      if (!wanted || (wanted === "photo" && !photo)) return null;
      const mine = wanted === "photo" ? Stir.comparePlayer.photo(photo) : Stir.comparePlayer.clip(cell.clip, cell.title, room.server, still());
      player = mine;
      shown = wanted;
      film.replaceChildren(mine.node);
      const listen = () => player === mine && (sound.hidden = !mine.hears());
      mine.opened.then(() => (listen(), setTimeout(listen, HEARD), face.classList.add("open")), () => player === mine && ((lost = true), paintState()));
      note.textContent = mine.note ?? "";
      return mine;
    }
    function release() {
      player?.release();
      player = null;
      lost = false;
      shown = "";
      face.classList.remove("open");
    }
    function hear(on) {
      player?.sound(on);
      sound.replaceChildren(icon(on ? "sound" : "silent", 14));
      sound.setAttribute("aria-pressed", String(on));
      sound.setAttribute("aria-label", `Sound of ${cell.title}`);
      sound.title = on ? "Mute" : "Hear this one, and no other";
    }
    hear(false);
    return {
      node, face, words, paint, open, release, hear,
      get id() { return cell.id; },
      get cell() { return cell; },
      get player() { return player; },
      remove: () => (release(), node.remove(), words.remove()),
    };
  };
})();
