/* Clips as pictures: the player, a tile that plays on hover, stars, and what can be done with a clip anywhere. */
(() => {
  const { h, icon, file } = Stir;
  function save(href, name) {
    const link = h("a", { href, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    Stir.say("Downloading " + name);
  }
  const moving = (card) => card.format === "gif" || card.format === "webp";

  Object.assign(Stir, {
    save,
    /* The player: loops, has controls, starts by itself only where motion is welcome. */
    film(card) {
      if (moving(card)) return h("img", { src: file(card.file), alt: card.title, class: "film-picture" });
      const video = h("video", { src: file(card.file), poster: file(card.poster), controls: true, loop: true, muted: true, playsinline: true, "aria-label": card.title });
      video.autoplay = !Stir.calm();
      return video;
    },
    /* A poster that plays while it is pointed at or focused. */
    tile(card, open) {
      const picture = h("img", { src: file(card.thumb), alt: "", loading: "lazy", draggable: "false" });
      picture.addEventListener("error", () => tile.classList.add("lost"), { once: true });
      const words = h("span", { class: "tile-words" }, h("strong", {}, card.title), h("span", {}, card.motion));
      const tile = h("button", { type: "button", class: "clip-tile", "data-clip": card.id, style: { "--shape": card.width / card.height }, "aria-label": `${card.title}, ${card.motion}, ${Number(card.seconds.toFixed(1))} s${card.rating ? ", " + card.rating + " stars" : ""}`, onclick: () => open(card) }, picture, words);
      if (card.rating) tile.append(h("span", { class: "tile-stars", "aria-hidden": "true" }, "★".repeat(card.rating)));
      let live = null;
      const play = () => {
        if (live || Stir.calm()) return;
        live = moving(card) ? h("img", { src: file(card.file), alt: "", class: "live" }) : h("video", { src: file(card.file), muted: true, loop: true, playsinline: true, class: "live", tabindex: "-1" });
        picture.after(live);
        live.play?.().catch(() => {});
      };
      const rest = () => (live?.remove(), (live = null));
      tile.addEventListener("pointerenter", play);
      tile.addEventListener("pointerleave", rest);
      tile.addEventListener("focus", play);
      tile.addEventListener("blur", rest);
      return tile;
    },
    stars(rate) {
      let now = 0;
      const all = [1, 2, 3, 4, 5].map((count) => h("button", { type: "button", class: "star", "aria-label": count + (count > 1 ? " stars" : " star"), onclick: () => (paint(now === count ? 0 : count), rate(now)) }, icon("star")));
      const node = h("div", { class: "stars", role: "group", "aria-label": "Rating" }, all);
      function paint(count) {
        now = count;
        all.forEach((one, index) => (one.classList.toggle("lit", index < count), one.setAttribute("aria-pressed", String(index + 1 === count))));
      }
      return { node, paint };
    },
    reasons: (choices) => (choices.length ? choices.flatMap((one) => [h("dt", {}, one.what, h("span", {}, one.value)), h("dd", {}, one.reason)]) : [h("dd", {}, "Nothing was chosen automatically.")]),
    async download(server, id, recipe) {
      const answer = await Stir.ask(server.export_clip, { id, recipe });
      if (!answer) return;
      save(file(answer.path), answer.name);
    },
    /* The poster: the frame nearest to the photo, as a PNG of the clip's own size. By way of a blob, because a served file insists
       on its own name. */
    async poster(card) {
      const answer = await fetch(file(card.poster)).catch(() => null);
      if (!answer?.ok) return Stir.emit("refusal", { where: "page", reason: "The poster is not there any more.", remedy: "Make the clip again to have it back." });
      const made = URL.createObjectURL(await answer.blob());
      save(made, `${card.title}, ${card.motion}.png`);
      setTimeout(() => URL.revokeObjectURL(made), 10000);
    },
    /* Put a clip's photo, or all of its settings, back on the desk; with `model` for another one. */
    async useClip(server, id, what, model = null) {
      const answer = await Stir.ask(server.shot_of_clip, { id });
      if (!answer) return;
      if (model) Object.assign(answer.shot, { model, steps: null, guidance: null, speedups: [] });
      Stir.goto("Create");
      Stir.emit(what === "photo" ? "use-photo" : "adopt", answer);
    },
    /* Open a tab, and take the keyboard to a place on it, by its selector: a tab's parts are there only once it has been opened. */
    goto(tab, place = "", tries = 120) {
      [...document.querySelectorAll("#tabs button[role=tab]")].find((one) => one.textContent.trim() === tab)?.click();
      const seek = (left) => {
        const there = document.querySelector(place);
        if (there?.offsetParent) there.scrollIntoView({ block: "center" }), there.focus({ preventScroll: true });
        else if (left) requestAnimationFrame(() => seek(left - 1));
      };
      if (place) seek(tries);
    },
  });
})();
