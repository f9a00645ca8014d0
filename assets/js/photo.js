/* The photo panel: the film strip of photos, each with its own crop, mends and source of depth. Its value is a Frame. */
(() => {
  const { h, icon, file, memory } = Stir;

  Stir.parts.photo = ({ element, props, server, upload }) => {
    const root = element.firstElementChild;
    const ratios = props.ratios;
    let film = []; // {id, name, width, height, view, notes, crop, why, depth, credit, mends, mended}; mended is its view then
    let current = -1;
    let painting = null;
    let asked = 0; // suggestions asked for; only the last may change the crop, and none once Animate has been pressed
    let among = ""; // the file being taken in, when it is one of several
    let awaited = null; // the shot whose photo has been asked for

    const ratioOf = (photo, aspect) => (aspect === "photo" ? photo.width / photo.height : ratios[aspect]);
    const here = () => film[current];
    const shown = (photo) => photo.mended ?? photo.view;
    const note = Stir.note();
    const input = h("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true", id: "photo-input", accept: "image/*,.heic,.heif,.avif,.tif,.tiff,.mp4,.webm,.json" });
    input.addEventListener("change", () => (take([...input.files]), (input.value = "")));

    // The picture and its frame ----------------------------------------------------------------------------------------
    const image = h("img", { class: "photo-image", draggable: "false", alt: "" });
    const frame = Stir.cropFrame((rect) => setCrop(rect), () => suggest(here().crop.aspect));
    const brush = Stir.brush((png) => Stir.emit("painted", { effect: painting, png }), () => endBrush());
    const mark = Stir.placeMark();
    const easel = h("div", { class: "easel" }, image, frame.node, mark.node);
    const stage = h("div", { class: "photo-stage" }, easel);
    const mending = Stir.mending({ root, easel, stage, server, titles: props.mends, times: props.upscale, here, of: (id) => film.find((one) => one.id === id), begins: () => (endBrush(), mark.clear()), changed: () => (paint(), say()) });
    image.addEventListener("error", () => here()?.mended && ((here().mended = null), paint(), mending.resume())); // it was cleared away
    const looked = () => here() && { photo: here().id, crop: here().crop, size: Stir.now("output")?.size ?? "auto", mends: here().mends };
    const report = Stir.report(server, { looked, mend: mending.tryOut, place, outline: mark.show });

    const aspects = Stir.segments("Aspect", [["16:9", "16:9"], ["9:16", "9:16"], ["1:1", "1:1"], ["4:5", "4:5"], ["3:4", "3:4"], ["21:9", "21:9"], ["photo", "Photo", "The photo's own shape"]], (aspect) => choose(aspect));
    const places = h("select", { "aria-label": "Made for", class: "quiet", id: "platform" }, h("option", { value: "" }, "Made for…"));
    for (const one of props.platforms) places.append(h("option", { value: one.id }, one.title));
    places.addEventListener("change", () => platform(props.platforms.find((one) => one.id === places.value)));
    const why = h("p", { class: "why" });
    const whyFold = Stir.fold("Why this crop?", why);
    const notes = h("ul", { class: "notes" });
    const strip = h("div", { class: "film", role: "group", "aria-label": "Photos" });
    const title = h("span", { class: "photo-name" });
    const depth = Stir.depthFold(server, upload, () => here() && { photo: here().id, crop: here().crop, depth: here().depth, mends: here().mends }, (id) => ((here().depth = id), say()), note);
    const samples = h("div", { class: "samples", role: "group", "aria-label": "Sample photos" });
    for (const one of props.samples) {
      const face = h("img", { src: file(one.path), alt: "", loading: "lazy" });
      samples.append(h("button", { type: "button", class: "sample", "data-sample": one.file, onclick: () => takeSample(one) }, face, h("span", { class: "sample-title" }, one.title), h("span", { class: "sample-credit" }, `${one.author} · ${one.licence.replace("-1.0", "").replace("-4.0", " 4.0").replace("CC-BY", "CC BY")}`)));
    }
    const drop = h(
      "button", { type: "button", class: "dropzone", onclick: () => input.click() },
      h("span", { class: "drop-mark" }, icon("photo", 28)), h("strong", {}, "Drop a photo"), h("span", {}, "or click to choose, or paste one"),
      h("small", {}, "JPG, PNG, WebP, HEIC, AVIF, TIFF · up to 40 MB · it stays on this computer"),
    );
    const empty = h("div", { class: "photo-empty" }, drop, h("h3", {}, "Or start from a sample"));
    const sampleFold = Stir.fold("Sample photos");
    const full = h(
      "div", { class: "photo-full" }, stage, mending.node, h("div", { class: "row aspects" }, aspects.node),
      h("div", { class: "row photo-line" }, title, places), notes, strip, report.node, whyFold, depth.node, sampleFold,
    );
    const head = h("div", { class: "panel-head" }, h("h2", {}, "Photo"), Stir.button("Add", { class: "ghost", id: "add-photo", onclick: () => input.click() }, "plus"));
    root.append(head, note.node, empty, full, input);

    // What it holds --------------------------------------------------------------------------------------------------
    function say() {
      const photo = here();
      const value = photo ? { photo: photo.id, crop: photo.crop, depth: photo.depth, mends: photo.mends } : null;
      props.value = value;
      memory.set("film", film.map(({ id, crop, depth: source, why: reason, credit, mends }) => ({ id, crop, depth: source, why: reason, credit, mends })));
      memory.set("current", photo ? photo.id : null);
      Stir.tell("film", film.map(({ id, name, width, height, view, crop }) => ({ id, name, width, height, view, crop })));
      Stir.tell("frame", photo ? { ...value, width: photo.width * mending.times(photo.mends), height: photo.height * mending.times(photo.mends), view: shown(photo), name: photo.name } : null);
      depth.stale();
    }
    function paint() {
      const photo = here();
      empty.hidden = Boolean(photo);
      full.hidden = !photo;
      (photo ? sampleFold : empty).append(samples);
      head.querySelector("button").hidden = !photo;
      if (!photo) return;
      const shape = photo.width / photo.height;
      easel.style.setProperty("--shape", shape);
      if (image.dataset.view !== shown(photo)) {
        image.src = file(shown(photo));
        image.dataset.view = shown(photo);
        image.alt = photo.name || "Your photo";
      }
      mending.paint(photo.mends);
      frame.show(photo.crop, photo.crop.aspect, ratioOf(photo, photo.crop.aspect), shape);
      const [wide, tall] = [photo.width, photo.height].map((side) => side * mending.times(photo.mends));
      frame.say(`${Math.round(photo.crop.w * wide)} × ${Math.round(photo.crop.h * tall)}`);
      aspects.paint(photo.crop.aspect);
      title.textContent = `${photo.name || "Photo"} · ${photo.width} × ${photo.height}${mending.times(photo.mends) > 1 ? `, now ${wide} × ${tall}` : ""}`;
      title.title = photo.credit ? `${photo.name}, ${photo.credit}` : photo.name;
      why.textContent = photo.why || "It is where you put it.";
      notes.replaceChildren(...photo.notes.map((words) => h("li", {}, words)));
      paintStrip();
    }
    function paintStrip() {
      const mark = film.map((photo) => photo.id).join() + current;
      if (strip.dataset.mark === mark) return;
      strip.dataset.mark = mark;
      strip.hidden = film.length < 2;
      strip.replaceChildren(...film.map((photo, index) => {
        const pick = h("button", { type: "button", class: "film-pick", "aria-pressed": String(index === current), "aria-label": photo.name || "Photo " + (index + 1), onclick: () => show(index) }, h("img", { src: file(photo.view), alt: "", draggable: "false" }));
        const away = h("button", { type: "button", class: "film-away", "aria-label": "Take " + (photo.name || "photo") + " off the strip", onclick: () => remove(index) }, icon("close", 10));
        return h("div", { class: "film-one" }, pick, away);
      }));
    }
    function show(index) {
      endBrush();
      mending.close();
      mark.clear();
      current = index;
      paint();
      say();
      mending.resume();
    }
    function remove(index) {
      film.splice(index, 1);
      show(Math.min(current > index ? current - 1 : current, film.length - 1));
    }
    function whole(aspect, photo) {
      const slope = photo.width / photo.height / ratioOf(photo, aspect);
      const w = Math.min(1, 1 / slope);
      return { x: (1 - w) / 2, y: (1 - w * slope) / 2, w, h: Math.min(1, w * slope), aspect };
    }
    function setCrop(rect, reason = "") {
      const photo = here();
      photo.crop = { ...rect, aspect: photo.crop.aspect };
      photo.why = reason;
      paint();
      say();
    }
    async function choose(aspect) {
      const photo = here();
      photo.crop = whole(aspect, photo);
      photo.why = "";
      paint();
      say();
      await suggest(aspect);
    }
    /* The studio's own idea of the crop; it gives way when the user has moved on meanwhile. */
    async function suggest(aspect) {
      const photo = here();
      const before = JSON.stringify(photo.crop);
      const mine = ++asked;
      if (aspect === "photo") {
        photo.why = "The whole photo is used.";
        photo.crop = whole(aspect, photo);
        return paint(), say();
      }
      const answer = await Stir.ask(server.suggest_crop, { photo: photo.id, aspect }, "photo");
      if (mine !== asked || JSON.stringify(photo.crop) !== before || photo !== here()) return;
      if (answer) Object.assign(photo, { crop: answer.crop, why: answer.why });
      paint();
      say();
    }
    async function platform(place) {
      if (!place) return;
      Stir.emit("platform", place);
      await choose(place.aspect);
      places.value = place.id;
    }

    // The report -----------------------------------------------------------------------------------------------------
    /* A remedy that changes no pixel. Answers how to take it back. */
    function place(remedy) {
      const photo = here();
      const { crop, why: reason } = photo;
      const size = Stir.now("output")?.size;
      if (remedy.size) Stir.emit("use-size", remedy.size);
      if (remedy.crop) photo.crop = remedy.crop, setCrop(remedy.crop, "It is what the report suggests.");
      return () => {
        if (remedy.size) Stir.emit("use-size", size);
        Object.assign(photo, { crop, why: reason });
        paint();
        say();
      };
    }

    // Taking in ------------------------------------------------------------------------------------------------------
    const fresh = (photo) => ({ ...photo, crop: whole("photo", photo), why: "The whole photo is used.", depth: "auto", mends: [], mended: null });
    const restored = (shot) => ({ crop: shot.crop, depth: shot.depth, mends: shot.mends ?? [], mended: null, why: "It came with the settings." });
    function adopt(photo, extra = {}) {
      if (awaited?.photo.id === photo.id) extra = restored(awaited);
      awaited = null;
      Stir.history.step();
      let index = film.findIndex((one) => one.id === photo.id);
      if (index < 0) {
        film.push({ ...fresh(photo), ...extra });
        index = film.length - 1;
      } else Object.assign(film[index], extra);
      show(index);
    }
    function adoptShot({ shot, photo, missing, end }) {
      if (photo) adopt(photo, restored(shot));
      else (awaited = shot), note.show({ reason: "The settings are back, but the photo is not in this home.", remedy: `Drop ${missing} here to use them.` });
      Stir.emit("shot", shot);
      Stir.emit("end-photo", end ? { photo: end, crop: shot.end.crop } : null);
      Stir.say("Settings restored.");
    }
    /* Of several files taken in at once, each that is refused says its name. */
    const refuse = ({ reason, remedy }) => note.add({ reason: among && !reason.startsWith(among) ? `${among}: ${reason}` : reason, remedy });
    async function take(files) {
      note.clear();
      root.classList.add("busy");
      Stir.say("Taking it in.");
      for (const one of files) {
        among = files.length > 1 ? one.name : "";
        await takeOne(one);
      }
      among = "";
      root.classList.remove("busy");
    }
    async function takeOne(one) {
      const clip = /\.(mp4|webm|gif|webp)$/i.test(one.name);
      if (one.size > props.limit) return refuse({ reason: `${one.name} is ${Stir.bytes(one.size)}, over 40 MB.`, remedy: clip ? "If it was made here, drop the .json that lies beside it in the library's folder." : "Save it smaller, as a JPEG for instance, and drop it again." });
      if (!one.size) return refuse({ reason: `${one.name} is empty.`, remedy: "Choose another file." });
      let path;
      try {
        ({ path } = await upload(one));
      } catch {
        return refuse({ reason: `${one.name} did not arrive.`, remedy: "See that the studio still runs and that the file is under 40 MB, then drop it again." });
      }
      const answer = await Stir.ask(server.receive_file, { path, name: one.name }, "photo");
      if (answer?.kind === "photo") adopt(answer.photo);
      else if (answer) adoptShot(answer);
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
    Stir.on("sent", () => (asked += 1));
    Stir.on("film-add", (photo) => {
      if (film.some((one) => one.id === photo.id)) return;
      film.push(fresh(photo));
      current = Math.max(0, current);
      paint();
      say();
    });

    // Undo -----------------------------------------------------------------------------------------------------------
    const seen = new Map(); // every photo that has been on the strip: what is known of it comes back with it
    function taken() {
      for (const photo of film) seen.set(photo.id, photo);
      return { current, film: film.map(({ id, crop, depth: source, why: reason, mends, credit }) => ({ id, crop, depth: source, why: reason, mends, credit })) };
    }
    function put(before) {
      const away = before.film.filter(({ id }) => !film.some((photo) => photo.id === id));
      asked += 1;
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
    function changed(before, after) {
      if (before.film.length !== after.film.length) return before.film.length < after.film.length ? "photo added" : "photo taken off";
      const first = (what) => before.film.some((one, index) => JSON.stringify(one[what]) !== JSON.stringify(after.film[index][what]));
      return first("id") ? "photos" : first("mends") ? "mend" : first("crop") ? "crop" : first("depth") ? "depth" : "";
    }
    Stir.history.register("photo", { take: taken, put, words: changed });

    // The page -------------------------------------------------------------------------------------------------------
    Stir.on("adopt", adoptShot);
    Stir.on("use-aspect", (aspect) => here() && choose(aspect));
    Stir.on("use-photo", ({ photo, missing }) => (photo ? adopt(photo) : note.show({ reason: "That photo is not in this home any more.", remedy: `Drop ${missing} here.` })));
    Stir.on("refusal", (refusal) => refusal.where === "photo" && (among ? refuse : note.show)(refusal));
    Stir.dropAnywhere(take);
    addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) event.preventDefault(), take(files);
    });

    (async () => {
      const wanted = memory.get("current", null);
      for (const one of memory.get("film", [])) {
        const answer = await server.look_at({ id: one.id }).catch(() => null);
        if (answer && !answer.refusal) film.push({ ...fresh(answer), ...one });
      }
      current = film.length ? Math.max(0, film.findIndex((one) => one.id === wanted)) : -1;
      paint();
      if (film.length) say(), mending.resume();
      Stir.history.came("photo");
      root.classList.add("ready");
    })();
    paint();
  };
})();
