/* Where a clip ends, for models that can be told: another photo, one of those taken in or one dropped here. Its value is an
   Ending. */
(() => {
  const { h, icon, file, memory } = Stir;

  Stir.parts.ending = ({ element, props, server }) => {
    const root = element.firstElementChild;
    let end = null; // {photo: {id, name, width, height, view}, crop}
    let wanted = memory.get("ending", "");
    let turn = 0;

    const note = Stir.note();
    const input = h("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", id: "ending-input", accept: ["image/*", ...props.endings].join() });
    input.addEventListener("change", () => (take([...input.files]), (input.value = "")));
    const still = h("img", { alt: "", draggable: "false", class: "ending-still" });
    const face = h("div", { class: "ending-face" }, still);
    const name = h("span", { class: "ending-name" });
    const away = h("button", { type: "button", class: "ghost tiny", "aria-label": "Remove the end frame", onclick: () => choose(null) }, icon("close", 12));
    const chosen = h("div", { class: "ending-chosen" }, face, name, away);
    const picks = h("div", { class: "film", role: "group", "aria-label": "Photos to end on" });
    const add = Stir.button("Add", { class: "ghost", onclick: () => input.click() }, "plus");
    const teach = h("p", { class: "why" }, "The clip can end on another photo. Choose one, or drop it here; without one the model decides.");
    const section = h("section", { class: "ending", hidden: true }, h("div", { class: "row between" }, h("h3", {}, "Ends on"), add), note.node, chosen, picks, teach, input);
    root.append(section);

    const film = () => Stir.now("film") ?? [];
    const frame = () => Stir.now("frame");

    function say() {
      props.value = end ? { photo: end.photo.id, crop: end.crop } : null;
      memory.set("ending", end ? end.photo.id : "");
      Stir.tell("ending", props.value && { ...props.value });
    }
    /* The part of the end photo that will be seen: its crop, cut in the middle to the frame's own ratio. */
    function cut(photo, { x, y, w, h: tall }) {
      const ratio = (frame().width * frame().crop.w) / (frame().height * frame().crop.h);
      const now = (photo.width * w) / (photo.height * tall);
      const [wide, high] = now > ratio ? [(w * ratio) / now, tall] : [w, (tall * now) / ratio];
      return { ratio, x: x + (w - wide) / 2, y: y + (tall - high) / 2, w: wide, h: high };
    }
    function paint() {
      const card = Stir.card(Stir.now("output")?.model);
      section.hidden = !frame() || !card?.end_frame;
      if (section.hidden) return;
      const others = film().filter((photo) => photo.id !== end?.photo.id);
      Stir.redraw(picks, () => picks.replaceChildren(...others.map((photo) => h("button", { type: "button", class: "film-pick", "aria-label": "End on " + (photo.name || "this photo"), "data-end": photo.id, onclick: () => choose(photo) }, h("img", { src: file(photo.view), alt: "", draggable: "false" })))));
      chosen.hidden = !end;
      picks.hidden = !others.length || Boolean(end);
      teach.hidden = Boolean(end);
      if (!end) return;
      const seen = cut(end.photo, end.crop);
      face.style.setProperty("--shape", seen.ratio);
      if (still.dataset.view !== end.photo.view) (still.src = file(end.photo.view)), (still.dataset.view = end.photo.view);
      Object.assign(still.style, { width: 100 / seen.w + "%", height: 100 / seen.h + "%", left: (-seen.x / seen.w) * 100 + "%", top: (-seen.y / seen.h) * 100 + "%" });
      still.alt = end.photo.name || "The last frame";
      name.textContent = end.photo.name || "Photo";
    }
    /* Its own crop where that has the clip's aspect, else the studio's idea of one. */
    async function choose(photo, crop = null) {
      const mine = ++turn;
      note.clear();
      const aspect = frame()?.crop.aspect ?? "photo";
      const own = photo && (crop ?? film().find((one) => one.id === photo.id)?.crop);
      end = photo && { photo, crop: own?.aspect === aspect ? own : { x: 0, y: 0, w: 1, h: 1, aspect } };
      say();
      paint();
      if (!photo || own?.aspect === aspect || aspect === "photo") return;
      const answer = await Stir.ask(server.suggest_crop, { photo: photo.id, aspect }, "ending");
      if (mine !== turn || !answer) return;
      end = { photo, crop: answer.crop };
      say();
      paint();
    }
    let taking = null;
    async function take(files, damaged = false) {
      const one = files.find((each) => each.type.startsWith("image/") || props.endings.some((ending) => each.name.toLowerCase().endsWith(ending)));
      note.clear();
      if (!one) return note.show({ reason: "Only a photo can be where a clip ends.", remedy: "Drop a picture file here." });
      if (one.size > props.limit) return note.show({ reason: `${one.name} is over ${Math.round(props.limit / 1e6)} MB.`, remedy: "Save it smaller and drop it again." });
      taking = one;
      const answer = await Stir.ask(Stir.carry(one, server.receive_file), { name: one.name, damaged }, "ending");
      taking = null;
      if (answer?.kind !== "photo") return;
      Stir.emit("film-add", answer.photo);
      choose(answer.photo);
    }
    section.addEventListener("drop", (event) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      Stir.emit("dropped");
      event.stopPropagation();
      take([...event.dataTransfer.files]);
    });
    Stir.on("film", (photos) => {
      const found = !end && wanted && photos.find((photo) => photo.id === wanted);
      if (found) (wanted = ""), choose(found);
      else if (end && end.crop.aspect === frame()?.crop.aspect) {
        const own = photos.find((photo) => photo.id === end.photo.id)?.crop;
        if (own && own.aspect === end.crop.aspect && JSON.stringify(own) !== JSON.stringify(end.crop)) (end.crop = own), say();
      }
      paint();
    });
    Stir.on("frame", (now) => (now && end && end.crop.aspect !== now.crop.aspect ? choose(end.photo) : paint()));
    for (const topic of ["cards", "output"]) Stir.on(topic, paint);
    Stir.on("end-photo", (given) => (given ? (Stir.emit("film-add", given.photo), choose(given.photo, given.crop)) : choose(null)));
    Stir.history.register("ending", { take: () => end && { ...end }, put: (before) => ((turn += 1), (end = before && { ...before }), say(), paint()), words: () => "end frame" });
    Stir.on("refusal", (refusal) => {
      if (refusal.where !== "ending") return;
      const one = taking;
      note.show({ ...refusal, act: one && Stir.offer(refusal, () => take([one], true)) });
    });
    say();
  };
})();
