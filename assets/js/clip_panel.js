/* The clip panel: a draft of the camera path, how far the job is, and the clip when it is done. */
(() => {
  const { h, file, memory, session } = Stir;
  const ACTIVE = ["queued", "running"];
  const STUCK = ["failed", "interrupted"];

  /* Milliseconds without a change until the desk has settled: longer than two steps of a slider lie apart, no longer than a press
     may go unanswered. */
  const SETTLED = 60;

  /* The silent part that asks for drafts when the desk has settled, and hands them on. */
  Stir.parts.clip_draft = ({ props, trigger, watch }) => {
    let key = "";
    let pressed = false;
    const ask = Stir.later(async () => {
      if (pressed) (pressed = false), await Stir.settle?.(); // the sentence follows what is pressed, and the draft goes by both
      const [frame, camera, effects, output] = ["frame", "camera", "effects", "output"].map(Stir.now);
      const next = JSON.stringify([frame, camera, effects, output?.seed, output?.size, Stir.now("acted")?.acted, Stir.now("depth-model")]);
      if (!frame || frame.placing || next === key) return; // its crop is still to be placed
      key = next;
      Stir.emit("draft-asked");
      trigger("draft");
    }, SETTLED);
    for (const topic of ["camera", "effects"]) Stir.on(topic, () => (pressed = true));
    for (const topic of ["frame", "camera", "effects", "output", "acted", "depth-model"]) Stir.on(topic, ask);
    watch("value", () => props.value && Stir.emit("draft", props.value));
  };

  Stir.parts.clip_panel = ({ element, server }) => {
    const root = element.firstElementChild;
    let view = "draft";
    let shown = null; // the clip on the player
    let job = null; // the job whose progress is shown
    let follow = session.get("follow", null); // of this tab, also after it is loaded again
    const pending = new Set(); // jobs whose end has not been shown yet
    let settled = null;
    let lively = null; // the running job whose live picture is here, and that picture's shape
    let shape = 16 / 9;
    let size = null; // what the clip will be

    // The stage ------------------------------------------------------------------------------------------------------
    const still = h("img", { alt: "", draggable: "false", class: "still" });
    const draft = h("video", { class: "draft", muted: true, loop: true, playsinline: true, tabindex: "-1", "aria-label": "Draft of the camera path", hidden: true });
    const live = h("img", { class: "live-view", alt: "Live preview of what is being made", hidden: true, draggable: "false" });
    const mark = h("span", { class: "live-mark", hidden: true }, h("i"), "Live");
    const label = h("span", { class: "stage-label" });
    const player = h("div", { class: "player", hidden: true });
    const caption = h("p", { class: "clip-caption", hidden: true });
    const blank = h("div", { class: "stage-blank" }, h("p", {}, "Your clip appears here."), h("p", {}, "Choose a photo, choose a move, press Animate."));
    const stage = h("div", { class: "stage" }, still, draft, live, player, blank, label, mark);
    const views = Stir.segments("Show", [["draft", "Draft"], ["live", "Live"], ["clip", "Clip"]], (value) => ((view = value), paint()));

    // Progress -------------------------------------------------------------------------------------------------------
    const words = h("span", { class: "stage-words" });
    const numbers = h("span", { class: "stage-numbers" });
    const bar = h("div", { class: "bar", role: "progressbar", "aria-label": "Progress", "aria-valuemin": "0", "aria-valuemax": "100" }, h("i"));
    const stopKey = h("kbd", {}, "Esc");
    const stop = h("button", { type: "button", class: "solid", id: "stop", title: "Stops this clip alone, as Escape does, unless a box, a slider or a menu has the keyboard", onclick: () => Stir.emit("stop") }, h("span", {}, "Stop"), stopKey);
    const progress = h("div", { class: "progress", hidden: true }, bar, h("div", { class: "progress-line" }, words, numbers, stop));
    for (const type of ["focusin", "focusout"]) addEventListener(type, (event) => (stopKey.hidden = !Stir.stops(type === "focusin" ? event.target : event.relatedTarget)));
    const failure = h("div", { class: "note", role: "alert", hidden: true });

    // What can be done with a clip -----------------------------------------------------------------------------------
    const recipe = Stir.toggle("Embed settings", memory.get("recipe", true), (on) => memory.set("recipe", on), { title: "The clip can be dropped here later to bring every setting back" });
    const stars = Stir.stars((count) => Stir.ask(server.rate_clip, { id: shown.id, stars: count }));
    const facts = h("p", { class: "facts" });
    const render = h("button", { type: "button", class: "primary", id: "render", hidden: true, onclick: () => another(server.render_clip) }, h("span", {}, ""));
    const reasons = h("dl", { class: "reasons" });
    const whyFold = Stir.fold("Why it looks like this", reasons);
    whyFold.addEventListener("toggle", () => whyFold.open && explain());
    const actions = h(
      "div", { class: "clip-actions", hidden: true },
      render, h("div", { class: "row between" }, facts, stars.node),
      h("div", { class: "row" }, Stir.button("Download", { class: "solid", id: "download", onclick: () => Stir.download(server, shown.id, recipe.querySelector("input").checked) }, "down"),
        Stir.button("Finish", { class: "solid", id: "finish-open", title: "Cut, speed, sound, titles: seen before it is written, and this clip stays", onclick: () => Stir.emit("open-finish", { id: shown.id }) }, "scissors"),
        Stir.button("Post to…", { class: "solid", id: "post-open", title: "Files for several places at once, each checked against what its place asks for", onclick: () => Stir.emit("open-post", { ids: [shown.id] }) }, "send")),
      h("div", { class: "row" }, Stir.button("Poster", { class: "ghost", id: "poster", title: "The frame nearest to your photo, as a PNG", onclick: () => Stir.poster(shown) }, "photo"), recipe),
      h("div", { class: "row tools" }, Stir.button("Again", { class: "ghost", title: "The same clip, made afresh", onclick: () => another(server.again_clip) }, "retry"),
        Stir.button("Another take", { class: "ghost", title: "The same settings with another random start", onclick: () => another(server.vary_clip) }, "dice"),
        Stir.button("Use photo", { class: "ghost", title: "Put its photo on the desk", onclick: () => Stir.useClip(server, shown.id, "photo") }, "photo"),
        Stir.button("Use settings", { class: "ghost", title: "Bring every setting of this clip back", onclick: () => Stir.useClip(server, shown.id, "all") }, "sliders"),
        Stir.elsewhere((model) => Stir.useClip(server, shown.id, "all", model))),
      whyFold,
    );
    const dock = Stir.dock({ stage, panel: root, progress, failure });
    root.append(h("div", { class: "panel-head" }, h("h2", {}, "Clip"), views.node), h("div", { class: "stage-room" }, stage), caption, dock.node);
    Stir.tell("clip-actions", actions);

    function paint() {
      const frame = Stir.now("frame");
      const clip = view === "clip" && shown;
      const now = view === "live" && lively;
      stage.style.setProperty("--shape", clip ? shown.width / shown.height : now ? lively.shape : shape);
      blank.hidden = Boolean(frame || clip || now);
      player.hidden = !clip;
      live.hidden = mark.hidden = !now;
      still.hidden = draft.hidden = Boolean(clip || now) || !frame;
      if (!draft.dataset.path) draft.hidden = true;
      label.hidden = Boolean(clip || now) || !frame;
      actions.hidden = caption.hidden = !clip;
      views.paint(clip ? "clip" : now ? "live" : "draft");
      views.node.hidden = !shown && !lively;
      views.node.querySelector("[data-value=live]").hidden = !lively;
      views.node.querySelector("[data-value=clip]").hidden = !shown;
      const film = player.querySelector("video");
      if (film) (clip && !Stir.calm() ? film.play().catch(() => {}) : film.pause());
      if (!draft.hidden && draft.paused && !Stir.calm()) draft.play().catch(() => {});
    }
    function forget() {
      delete draft.dataset.path;
      draft.hidden = true;
    }
    function show(card) {
      if (shown?.id !== card.id) {
        player.replaceChildren(Stir.film(card));
        whyFold.open = false;
      }
      shown = card;
      memory.set("clip", card.id);
      facts.textContent = `${card.width} × ${card.height} · ${card.frames === 1 ? "a still picture" : `${Number(card.seconds.toFixed(2))} s · ${Number(card.fps.toFixed(2))} fps`} · ${Stir.bytes(card.bytes)} · made in ${card.took.toFixed(1)} s`;
      caption.replaceChildren(h("strong", {}, card.title), ` · ${card.motion} · ${Number(card.seconds.toFixed(1))} s`);
      render.hidden = !card.draft;
      render.firstChild.textContent = "Render on " + card.model;
      stars.paint(card.rating);
    }
    async function open(id) {
      const answer = await Stir.ask(server.detail_clip, { id });
      if (!answer) return;
      show(answer.clip);
      view = "clip";
      paint();
    }
    async function explain() {
      const answer = await Stir.ask(server.detail_clip, { id: shown.id });
      if (answer) reasons.replaceChildren(...Stir.reasons(answer.choices));
    }
    const another = Stir.once(async (press, call) => {
      const answer = await Stir.buy(call, { id: shown.id, press }, "output");
      if (answer) attach(answer.job);
    });
    function remember(id) {
      follow = id;
      session.set("follow", id);
      Stir.claim(id);
    }
    function attach(id) {
      remember(id);
      pending.add(id);
      failure.hidden = true;
      const board = Stir.now("board"); // which may still hold how it ended before
      if (board && !board.jobs.some((one) => one.id === id && STUCK.includes(one.state))) look(board);
    }

    // The board ------------------------------------------------------------------------------------------------------
    /* Of what other tabs and programs have begun nothing is followed here: it is in the strip, and can be stopped there. */
    function look(board) {
      const own = board.jobs.filter(Stir.isOwn);
      const mine = own.find((one) => one.id === follow);
      const running = mine?.state === "running" ? mine : own.find((one) => one.state === "running");
      job = running ?? own.find((one) => one.state === "queued") ?? null;
      watchLive(running);
      if (running) pending.add(running.id), ACTIVE.includes(mine?.state) || remember(running.id);
      for (const id of pending) {
        const one = board.jobs.find((other) => other.id === id);
        if (one && ACTIVE.includes(one.state)) continue;
        if (one) pending.delete(id), showEnd(one);
      }
      const last = board.jobs.find((one) => one.id === follow);
      if (!job && last && STUCK.includes(last.state)) fail(last);
      else if (!failure.hidden && !board.jobs.some((one) => one.id === failure.dataset.job && STUCK.includes(one.state))) failure.hidden = true;
      paintProgress(board);
      const fresh = shown && board.recent.find((one) => one.id === shown.id);
      if (fresh) stars.paint(fresh.rating);
    }
    /* The live picture of the running job, shown as soon as there is one, and gone with the job. */
    function watchLive(running) {
      const picture = Stir.picture(running?.preview);
      if (lively && lively.id !== running?.id) {
        lively = null;
        if (view === "live") view = "draft";
      } else if (!picture) return;
      if (picture) {
        if (!lively) view = "live";
        lively = { id: running.id, shape: running.shape };
        if (live.src !== picture) live.src = picture;
      }
      paint();
    }
    function showEnd(mine) {
      if (mine.state === "done") {
        Stir.say("The clip is ready.");
        open(mine.clip).then(dock.came);
      } else if (mine.state === "cancelled") Stir.say("Stopped.");
      else fail(mine);
    }
    function fail(mine) {
      const again = Stir.button(mine.state === "interrupted" ? "Resume" : "Retry", { class: "ghost", onclick: Stir.once(async () => {
        const answer = await Stir.buy(server.retry_job, { id: mine.id }, "output");
        if (answer) attach(answer.job);
      }) }, "retry");
      if (!failure.hidden && failure.dataset.job === mine.id) return;
      failure.dataset.job = mine.id;
      failure.replaceChildren(Stir.icon("alert"), h("p", {}, h("strong", {}, mine.reason), " " + (mine.remedy || "")), again);
      failure.hidden = false;
    }
    function paintProgress(board) {
      progress.hidden = !job;
      if (!job) return;
      const running = job.state === "running";
      const part = running && job.total ? job.done / job.total : 0;
      if (bar.dataset.job !== job.id) bar.replaceChildren(h("i")), (bar.dataset.job = job.id); // never from where the last one ended
      bar.firstChild.style.width = part * 100 + "%";
      bar.classList.toggle("unknown", running && !job.total);
      bar.setAttribute("aria-valuenow", String(Math.round(part * 100)));
      words.textContent = `${job.title} · ${running ? job.line : "Starting"}`;
      const others = board.jobs.filter((one) => one.state === "running" && one.id !== job.id).length;
      const waiting = board.jobs.filter((one) => one.state === "queued" && one.id !== job.id).length;
      const times = running ? [job.pace || Stir.clock(job.elapsed), job.remaining !== null && Stir.clock(Math.ceil(job.remaining)) + " left"] : [];
      numbers.textContent = [...times, others && others + " more at work", waiting && waiting + " waiting"].filter(Boolean).join(" · ");
      Stir.say(running ? `${job.words}${job.total ? ", " + Math.floor(part * 10) * 10 + " per cent" : ""}` : words.textContent);
    }

    Stir.on("board", look);
    Stir.on("stop", () => job && Stir.ask(server.cancel_job, { id: job.id }));
    Stir.on("show-clip", open);
    Stir.on("attach", attach);
    Stir.on("draft-asked", () => ((label.textContent = "Drawing the draft…"), label.classList.add("busy")));
    /* The draft is the built-in engine's; the size it says is the planned one, of whatever model is chosen. */
    Stir.on("planned", (value) => {
      if (value.kind !== "plan") return;
      size = value;
      if (draft.dataset.path && !label.classList.contains("busy")) sayDraft();
    });
    const sayDraft = () => (label.textContent = `Draft of the camera path · the clip will be ${size.width}\u00a0×\u00a0${size.height}${size.upscale >= 1.05 ? ", enlarged " + Number(size.upscale.toFixed(size.upscale < 1.1 ? 2 : 1)) + " times" : ""}`);
    /* A draft of a crop or a photo that is no longer the one on the desk is not shown: the next one is on its way. */
    const near = (one, other) => one.aspect === other.aspect && ["x", "y", "w", "h"].every((side) => Math.abs(one[side] - other[side]) < 0.02);
    const stands = (value) => !value.photo || (value.photo === Stir.now("frame")?.photo && near(value.crop, Stir.now("frame").crop));
    Stir.on("draft", (value) => {
      if (!stands(value)) return;
      label.classList.remove("busy");
      if (value.kind === "refusal") return forget(), (label.textContent = value.where === "photo" ? "No draft of this photo" : value.remedy), paint();
      size = value;
      sayDraft();
      if (draft.dataset.path !== value.path) draft.src = file(value.path);
      draft.dataset.path = value.path;
      paint();
    });
    Stir.on("frame", (frame) => {
      if (frame) shape = Stir.cut(still, frame);
      forget();
      paint();
    });
    for (const topic of ["frame", "camera", "effects"]) Stir.on(topic, () => {
      const key = JSON.stringify(["frame", "camera", "effects"].map(Stir.now));
      if (settled && settled !== key && !job) (view = "draft"), paint();
      if (Stir.now("frame")) settled = key;
    });
    Stir.on("answered", (value) => {
      if (value.kind !== "submitted") return Stir.emit("refusal", { ...value, pressed: true });
      Stir.claim(value.jobs);
      value.jobs.forEach((id) => pending.add(id)), value.jobs.slice(-1).forEach(attach);
      dock.left();
      dock.go();
    });
    const last = memory.get("clip", null);
    if (last) server.detail_clip({ id: last }).then((answer) => answer?.clip && !answer.clip.trashed && (show(answer.clip), (view = "clip"), paint())).catch(() => {});
    paint();
  };
})();
