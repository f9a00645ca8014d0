/* The photo panel: the film strip of photos, each with its own crop, mends and source of depth. Its value is a Frame. */
(() => {
  const { h, icon, file, memory } = Stir;

  Stir.parts.photo_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const shapes = Stir.shapes(props.ratios);
    /* {id, name, width, height, view, thumb, notes, crop, why, depth, credit, mends, subject, end, mended, wants, moved}: `mended` is its view then,
       `wants` the aspect whose crop is still to be placed, `moved` says that the user put the crop where it is. */
    let film = [];
    let current = -1;
    let place = null; // what the clips are made for, of props.platforms
    let painting = null;
    let awaited = null; // the shot whose photo has been asked for

    const here = () => film[current];
    const find = (id) => film.findIndex((one) => one.id === id);
    const byId = (id) => props.platforms.find((one) => one.id === id) ?? null;
    const viewOf = (photo) => photo.mended ?? photo.view;
    const ratioOf = (photo) => shapes.ratio(photo, photo.crop.aspect);
    /* The shape of a photo that is an exception among those made for one place. */
    const ownShape = (photo) => (place && photo.crop.aspect !== place.aspect ? (photo.crop.aspect === "photo" ? "in its own shape" : photo.crop.aspect) : "");
    /* What the studio is told of a photo: a Frame. */
    const frameOf = ({ id, crop, depth: source, mends, subject, end }) => ({ photo: id, crop, depth: source, mends, subject, end: end ? { ...end, aspect: crop.aspect } : null });
    const note = Stir.note();

    // The picture and its frame ----------------------------------------------------------------------------------------
    const image = h("img", { class: "photo-image", draggable: "false", alt: "" });
    const frame = Stir.cropFrame((rect) => setCrop(rect), () => choose(here().crop.aspect));
    const brush = Stir.brush((png) => Stir.emit("painted", { effect: painting, png }), () => endBrush());
    const mark = Stir.placeMark();
    const easel = h("div", { class: "easel" }, image, frame.node, mark.node);
    const ending = Stir.endBox({ easel, start: frame.node, here, changed: setEnd });
    frame.node.after(ending.frame);
    const stage = h("div", { class: "photo-stage" }, easel);
    const mending = Stir.mending({ root, easel, stage, server, titles: props.mends, times: props.upscale, here, of: (id) => film.find((one) => one.id === id), begins: () => (endBrush(), marking.close(), mark.clear()), changed: () => (paint(), say()) });
    const marking = Stir.subjectMark({ easel, stage, server, here, begins: () => (endBrush(), mending.close(), mark.clear()), changed: setSubject });
    image.addEventListener("error", () => here()?.mended && ((here().mended = null), paint(), mending.resume())); // it was cleared away
    const reportQuestion = () => here() && { photo: here().id, crop: here().crop, size: Stir.now("output")?.size ?? "auto", mends: here().mends, subject: here().subject };
    const report = Stir.reportPanel(server, { looked: reportQuestion, mend: mending.tryOut, place: settle, outline: mark.show });

    const aspects = Stir.segments("Aspect", [["16:9", "16:9"], ["9:16", "9:16"], ["1:1", "1:1"], ["4:5", "4:5"], ["3:4", "3:4"], ["21:9", "21:9"], ["photo", "Photo", "The photo's own shape"]], (aspect) => choose(aspect));
    const made = Stir.platformRow(props.platforms, (next) => makeFor(next));
    const why = h("p", { class: "why" });
    const whyFold = Stir.fold("Why this crop?", why);
    const notes = h("ul", { class: "notes" });
    const strip = Stir.filmStrip({ pick: (id) => show(find(id)), away: (id) => remove(find(id)), shape: ratioOf });
    const placing = Stir.placing({ server, film: () => film, here, placed: (photo) => (photo === here() ? (paint(), say()) : (strip.paint(film, current, ownShape), keep())), told: strip.count });
    const title = h("span", { class: "photo-name" });
    const depth = Stir.depthFold(server, () => here() && frameOf(here()), () => Boolean(here()?.own_depth), (id) => ((here().depth = id), say()), note);
    const samples = h("div", { class: "samples", role: "group", "aria-label": "Sample photos" });
    for (const one of props.samples) {
      const face = h("img", { src: file(one.path), alt: "", loading: "lazy" });
      samples.append(h("button", { type: "button", class: "sample", "data-sample": one.file, onclick: () => takeSample(one) }, face, h("span", { class: "sample-title" }, one.title), h("span", { class: "sample-credit" }, `${one.author} · ${one.licence.replace("-1.0", "").replace("-4.0", " 4.0").replace("CC-BY", "CC BY")}`)));
    }
    const drop = h(
      "button", { type: "button", class: "dropzone", onclick: () => input.click() },
      h("span", { class: "drop-mark" }, icon("photo", 28)), h("strong", {}, "Drop a photo"), h("span", {}, "or click to choose, or paste one"),
      h("small", {}, "JPG, PNG, HEIC, WebP, AVIF, TIFF, JPEG XL, raw", h("br"), `up to ${Math.round(props.limit / 1e6)} MB · ${props.visitors ? "only you see it" : "it stays on this computer"}`),
    );
    const empty = h("div", { class: "photo-empty" }, drop, h("h3", {}, "Or start from a sample"));
    const sampleFold = Stir.fold("Sample photos");
    const full = h(
      "div", { class: "photo-full" }, stage, mending.node, h("div", { class: "row aspects" }, aspects.node), made.exception,
      h("div", { class: "row photo-line" }, title, ending.node, marking.node), ending.hint, notes, strip.node, report.node, whyFold, depth.node, sampleFold,
    );
    const { input, line, take } = Stir.uploads({ root, server, limit: props.limit, endings: props.endings, note, adopt: takeIn, adoptShot });
    const head = h("div", { class: "panel-head" }, h("h2", {}, "Photo"), Stir.button("Add", { class: "ghost", id: "add-photo", onclick: () => input.click() }, "plus"));
    root.append(head, made.node, note.node, line, empty, full, input);

    // What it holds --------------------------------------------------------------------------------------------------
    function say() {
      const photo = here();
      const value = photo ? frameOf(photo) : null;
      props.value = value;
      keep();
      Stir.tell("frame", photo ? { ...value, width: photo.width * mending.times(photo.mends), height: photo.height * mending.times(photo.mends), view: viewOf(photo), name: photo.name, placing: Boolean(photo.wants) } : null);
      depth.stale();
    }
    /* The strip as it is remembered and as others are told of it. */
    function keep() {
      memory.set("film", film.map(({ id, crop, depth: source, why: reason, credit, mends, subject, end, wants, moved }) => ({ id, crop, depth: source, why: reason, credit, mends, subject, end, wants, moved })));
      memory.set("current", here()?.id ?? null);
      Stir.tell("film", film.map(({ id, name, width, height, view, thumb, crop }) => ({ id, name, width, height, view, thumb, crop })));
    }
    function paint() {
      const photo = here();
      const held = empty.contains(document.activeElement) || full.contains(document.activeElement) ? document.activeElement : null;
      empty.hidden = Boolean(photo);
      full.hidden = !photo;
      const room = photo ? sampleFold : empty;
      if (samples.parentElement !== room) room.append(samples);
      made.paint(place, photo ? ownShape(photo) : "");
      head.querySelector("button").hidden = !photo;
      strip.paint(film, current, ownShape);
      /* What was pressed has gone: the keyboard's place is the crop, or where the next photo is taken in. */
      if (held && !held.checkVisibility()) (photo ? frame.node : drop).focus({ preventScroll: true });
      if (!photo) return;
      const shape = photo.width / photo.height;
      easel.style.setProperty("--shape", shape);
      if (image.dataset.view !== viewOf(photo)) {
        image.src = file(viewOf(photo));
        image.dataset.view = viewOf(photo);
        image.alt = photo.name || "Your photo";
      }
      mending.paint(photo.mends);
      marking.paint();
      frame.show(photo.crop, photo.crop.aspect, ratioOf(photo), shape);
      ending.paint(ratioOf(photo), shape);
      const [wide, tall] = [photo.width, photo.height].map((side) => side * mending.times(photo.mends));
      frame.say(`${Math.round(photo.crop.w * wide)} × ${Math.round(photo.crop.h * tall)}`);
      if (photo.end) ending.say(`${Math.round(photo.end.w * wide)} × ${Math.round(photo.end.h * tall)}`);
      aspects.paint(photo.crop.aspect);
      title.textContent = `${photo.name || "Photo"} · ${photo.width} × ${photo.height}${mending.times(photo.mends) > 1 ? `, now ${wide} × ${tall}` : ""}`;
      title.title = photo.credit ? `${photo.name}, ${photo.credit}` : photo.name;
      why.textContent = photo.wants ? "Looking where it lies best…" : photo.why || "It is where you put it.";
      notes.replaceChildren(...photo.notes.map((words) => h("li", {}, words)));
    }
    function show(index) {
      endBrush();
      mending.close();
      mark.clear();
      current = index;
      paint();
      say();
      placing.work();
      mending.resume();
      if (here()) strip.reveal(here().id);
    }
    function remove(index) {
      const held = strip.node.contains(document.activeElement);
      film.splice(index, 1);
      show(Math.min(current > index ? current - 1 : current, film.length - 1));
      if (!held) return;
      if (film.length > 1) strip.focus(film[Math.min(index, film.length - 1)].id);
      else (here() ? frame.node : drop).focus({ preventScroll: true });
    }
    /* What the user says the photo is of: a crop that the studio has placed is laid around it. */
    function setSubject(png) {
      const photo = here();
      if (png === photo.subject) return;
      photo.subject = png;
      if (!photo.moved && photo.crop.aspect !== "photo") photo.wants = photo.crop.aspect;
      paint();
      say();
      placing.work();
    }
    function setEnd(box) {
      here().end = box;
      paint();
      say();
    }
    function setCrop(rect, reason = "") {
      const photo = here();
      Object.assign(photo, { crop: { ...rect, aspect: photo.crop.aspect }, why: reason, wants: "", moved: true });
      paint();
      say();
    }
    /* An aspect for a photo: at once in the middle, then where the studio thinks it is best. Where the user has put the crop it stays. */
    function fit(photo, aspect) {
      if (photo.moved) Object.assign(photo, { crop: shapes.refit(photo, photo.crop, aspect), wants: "", why: "" });
      else Object.assign(photo, { crop: shapes.whole(photo, aspect), wants: aspect === "photo" ? "" : aspect, why: aspect === "photo" ? "The whole photo is used." : "" });
    }
    function choose(aspect) {
      here().moved = false;
      fit(here(), aspect);
      paint();
      say();
      return placing.work();
    }
    function setPlace(next) {
      place = next;
      memory.set("place", place?.id ?? "");
      Stir.tell("place", place);
    }
    /* A place holds for every photo on the strip and every one added later; chosen once more it ends this photo's exception. */
    function makeFor(next, chosen = true) {
      const once = next && next.id === place?.id;
      setPlace(next);
      if (chosen) Stir.emit("platform", place);
      for (const photo of place ? film : []) if (photo.crop.aspect !== place.aspect && (!once || (chosen && photo === here()))) fit(photo, place.aspect);
      paint();
      say();
      placing.work();
    }

    // The report -----------------------------------------------------------------------------------------------------
    /* A remedy that changes no pixel. Answers how to take it back. */
    function settle(remedy) {
      const photo = here();
      const { crop, why: reason, moved } = photo;
      const size = Stir.now("output")?.size;
      if (remedy.size) Stir.emit("use-size", remedy.size);
      if (remedy.crop) photo.crop = remedy.crop, setCrop(remedy.crop, "It is what the report suggests.");
      return () => {
        if (remedy.size) Stir.emit("use-size", size);
        Object.assign(photo, { crop, why: reason, moved });
        paint();
        say();
      };
    }

    // Taking in ------------------------------------------------------------------------------------------------------
    function fresh(photo) {
      const one = { ...photo, depth: "auto", mends: [], subject: "", end: null, mended: null, moved: false };
      fit(one, place?.aspect ?? "photo");
      return one;
    }
    const isBoxed = (shot) => shot.end?.photo.id === shot.photo.id && Stir.card(shot.model)?.supports.includes("end_crop");
    const boxOf = ({ x, y, w, h: tall }) => ({ x, y, w, h: tall });
    const restore = (shot) => ({ end: isBoxed(shot) ? boxOf(shot.end.crop) : null, crop: shot.crop, depth: shot.depth, mends: shot.mends ?? [], subject: shot.subject ?? "", mended: null, wants: "", moved: true, why: "It came with the settings." });
    function adopt(photo, extra = {}) {
      if (awaited?.photo.id === photo.id) extra = restore(awaited);
      awaited = null;
      Stir.history.step();
      if (find(photo.id) < 0) film.push({ ...fresh(photo), ...extra });
      else Object.assign(film[find(photo.id)], extra);
      show(find(photo.id));
    }
    /* Of several taken in at once the first is shown, and the others join the strip. */
    function takeIn(photo, first) {
      if (first || !film.length || awaited?.photo.id === photo.id) return adopt(photo);
      join(photo);
    }
    function join(photo) {
      if (find(photo.id) >= 0) return;
      film.push(fresh(photo));
      if (film.length === 1) return show(0);
      strip.paint(film, current, ownShape);
      keep();
      placing.work();
    }
    function adoptShot({ shot, photo, missing, end }) {
      if (photo) adopt(photo, restore(shot));
      else (awaited = shot), note.show({ reason: "The settings are back, but the photo is not in this home.", remedy: `Drop ${missing} here to use them.` });
      Stir.emit("shot", shot);
      Stir.emit("end-photo", end && !isBoxed(shot) ? { photo: end, crop: shot.end.crop } : null);
      Stir.say("Settings restored.");
    }
    async function takeSample(one) {
      note.clear();
      root.classList.add("busy");
      const answer = await Stir.ask(server.take_sample, { id: one.file }, "photo");
      root.classList.remove("busy");
      if (answer) adopt(answer.photo, { credit: `${one.author}, ${one.licence}` });
    }

    // The brush ------------------------------------------------------------------------------------------------------
    function endBrush() {
      if (!painting) return;
      painting = null;
      brush.canvas.remove();
      brush.ring.remove();
      brush.bar.remove();
      easel.classList.remove("painting");
      Stir.tell("painting", null);
    }
    Stir.on("brush", ({ effect, title: words, png }) => {
      if (!here()) return note.show({ reason: "There is no photo to paint on yet.", remedy: "Drop one here first." });
      endBrush();
      mending.close();
      painting = effect;
      easel.classList.add("painting");
      easel.append(brush.canvas, brush.ring);
      stage.after(brush.bar);
      brush.open(words, here().width / here().height, png);
      Stir.tell("painting", effect);
      if (root.getBoundingClientRect().top < 0) root.scrollIntoView({ block: "start" });
    });
    Stir.on("end-brush", endBrush);
    Stir.on("brush-shows", (png) => painting && brush.show(png));
    Stir.on("film-add", join);

    // Undo -----------------------------------------------------------------------------------------------------------
    const seen = new Map(); // every photo that has been on the strip: what is known of it comes back with it
    function taken() {
      for (const photo of film) seen.set(photo.id, photo);
      return { current, film: film.map(({ id, crop, depth: source, why: reason, mends, subject, end, credit, wants, moved }) => ({ id, crop, depth: source, why: reason, mends, subject, end, credit, wants, moved })) };
    }
    function put(before) {
      const away = before.film.filter(({ id }) => !film.some((photo) => photo.id === id));
      film = before.film.map((one) => {
        const photo = seen.get(one.id);
        const asIs = JSON.stringify(photo.mends) === JSON.stringify(one.mends);
        return { ...photo, ...one, mended: one.mends.length ? photo.mended : null, stale: !asIs || photo.stale };
      });
      show(Math.min(before.current, film.length - 1));
      for (const { id } of away) stillHere(id);
    }
    /* A photo that comes back by undo may have been removed from the home meanwhile. */
    async function stillHere(id) {
      const answer = await server.look_at({ id }).catch(() => null);
      const index = film.findIndex((photo) => photo.id === id);
      if (index < 0 || !answer?.refusal) return;
      remove(index);
      Stir.history.came("photo");
      note.show(answer.refusal);
    }
    function nameChange(before, after) {
      if (before.film.length !== after.film.length) return before.film.length < after.film.length ? "photo added" : "photo taken off";
      const first = (what) => before.film.some((one, index) => JSON.stringify(one[what]) !== JSON.stringify(after.film[index][what]));
      return first("id") ? "photos" : first("mends") ? "mend" : first("crop") ? "crop" : first("end") ? "end box" : first("subject") ? "subject" : first("depth") ? "depth" : "";
    }
    Stir.history.register("photo", { take: taken, put, words: nameChange });
    Stir.history.register("platform", { take: () => place?.id ?? "", put: (id) => (setPlace(byId(id)), paint()), words: () => "made for" });

    // The page -------------------------------------------------------------------------------------------------------
    Stir.on("adopt", adoptShot);
    /* What a new desk begins with; a choice of one's own holds for this browser. */
    Stir.on("defaults", ({ place: id }) => {
      if (memory.get("place", null) !== null) return;
      makeFor(byId(id), id !== (Stir.now("output")?.platform ?? "")); // its size and rate once: they may be changed here
      localStorage.removeItem("stir.place");
    });
    Stir.on("use-defaults", ({ place: id }) => makeFor(byId(id)));
    Stir.on("shot", (shot) => makeFor(byId(shot.platform), false));
    for (const topic of ["cards", "output"]) Stir.on(topic, () => here() && ending.paint(ratioOf(here()), here().width / here().height));
    Stir.on("use-aspect", (aspect) => here() && choose(aspect));
    Stir.on("use-photo", ({ photo, missing }) => (photo ? adopt(photo) : note.show({ reason: "That photo is not in this home any more.", remedy: `Drop ${missing} here.` })));
    Stir.dropAnywhere(take);
    addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) event.preventDefault(), take(files);
    });

    /* What is sent, once every crop that is asked for is where it belongs: of the photo on the desk, or of all of them. */
    Stir.framed = (all = false) => placing.done(all);
    Stir.frames = () => film.map((photo) => ({ ...frameOf(photo), brushes: Stir.brushes(photo.id) }));

    (async () => {
      const wanted = memory.get("current", null);
      place ??= byId(memory.get("place", ""));
      Stir.tell("place", place);
      const kept = memory.get("film", []);
      const answers = await Promise.all(kept.map((one) => server.look_at({ id: one.id }).catch(() => null)));
      answers.forEach((answer, at) => answer && !answer.refusal && film.push({ ...fresh(answer), wants: "", ...kept[at] }));
      current = film.length ? Math.max(0, find(wanted)) : -1;
      paint();
      if (film.length) say(), placing.work(), mending.resume();
      Stir.history.came("photo");
      Stir.history.came("platform");
      root.classList.add("ready");
    })();
    paint();
  };
})();
